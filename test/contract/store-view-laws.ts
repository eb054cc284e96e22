// Views: what they show, and when they wake.
import assert from "node:assert/strict";
import { deploymentKey, nodeControlKey, podsKey, presenceKey } from "../../src/model/keys.ts";
import { put, remove, type View } from "../../src/store/store.ts";
import { act, deployment, podsDocument } from "../support/builders.ts";
import { eventually } from "../support/eventually.ts";
import type { StoreLaw } from "./store-harness.ts";

const web = deploymentKey("web");
const api = deploymentKey("api");

export const viewLaws: Readonly<Record<string, StoreLaw>> = {
  "a view starts with what is there": async (_store, open) => {
    const store = await open();
    const position = await store.commit({ changes: [put(web, deployment(), "absent")] });
    const view = await store.view(["deployments"]);
    assert.equal(view.snapshot().position, position);
    assert.equal(view.snapshot().fresh, true);
    assert.deepEqual(view.snapshot().get(web)?.value, deployment());
    view.close();
  },

  "a view shows a client its own commit as soon as that is done": async (_store, open) => {
    const store = await open();
    const view = await store.view(["deployments"]);
    const position = await store.commit({ changes: [put(web, deployment(), "absent")] });
    assert.equal(view.snapshot().position, position);
    assert.ok(view.snapshot().get(web));
    view.close();
  },

  "a view wakes for every kind of change that another client makes": async (_store, open) => {
    const [mine, other] = [await open(), await open()];
    const view = await mine.view(["deployments", nodeControlKey("n1")]);
    await wakes(view, () =>
      other.commit({ changes: [put(web, deployment(), "absent"), put(api, deployment(), "absent")] }),
    );
    assert.deepEqual(names(view), [api, web]);
    const version = view.snapshot().get(web)?.version ?? -1;
    await wakes(view, () => other.commit({ changes: [put(web, deployment({ replicas: 9 }), version)] }));
    assert.equal(view.snapshot().get(web)?.value.replicas.file, 9);
    const changed = view.snapshot().get(web)?.version ?? -1;
    await wakes(view, () => other.commit({ changes: [remove(web, changed)] }));
    assert.deepEqual(names(view), [api]);
    await wakes(view, () => other.commit({ changes: [put(nodeControlKey("n1"), { cordoned: act }, "absent")] }));
    const control = view.snapshot().get(nodeControlKey("n1"));
    assert.deepEqual(control?.value, { cordoned: act });
    await wakes(view, () => other.commit({ changes: [remove(nodeControlKey("n1"), control.version)] }));
    assert.equal(view.snapshot().get(nodeControlKey("n1")), undefined);
    view.close();
  },

  "a document removed and created again between two looks is the new one": async (_store, open) => {
    const [mine, other] = [await open(), await open()];
    await other.commit({ changes: [put(web, deployment({ uid: "a" }), "absent")] });
    const view = await mine.view(["deployments"]);
    const version = view.snapshot().get(web)?.version ?? -1;
    await other.commit({ changes: [remove(web, version)] });
    await other.commit({ changes: [put(web, deployment({ uid: "b" }), "absent")] });
    await eventually("the new one", () => view.snapshot().get(web)?.value.uid === "b");
    view.close();
  },

  "a view does not wake for what it does not follow, or after it was closed": async (_store, open) => {
    const [mine, other] = [await open(), await open()];
    const followed = await mine.view([web]);
    const [unrelated, closed] = [await mine.view(["nodes"]), await mine.view(["deployments"])];
    let woken = 0;
    unrelated.onChange(() => (woken += 1));
    closed.onChange(() => (woken += 1));
    closed.close();
    const unsubscribe = followed.onChange(() => (woken += 1));
    unsubscribe();
    await wakes(followed, () => other.commit({ changes: [put(web, deployment(), "absent")] }));
    assert.equal(woken, 0);
    await eventually(
      "the position of an unrelated view",
      () => unrelated.snapshot().position === followed.snapshot().position,
    );
    for (const view of [followed, unrelated]) view.close();
  },

  "a snapshot never changes": async (_store, open) => {
    const store = await open();
    const view = await store.view(["deployments"]);
    const before = view.snapshot();
    await store.commit({ changes: [put(web, deployment(), "absent")] });
    assert.deepEqual(before.list("deployments"), []);
    assert.equal(view.snapshot().list("deployments").length, 1);
    view.close();
  },

  "a snapshot is never half of a commit": async (_store, open) => {
    const [mine, other] = [await open(), await open()];
    const view = await mine.view(["deployments", "pods"]);
    const torn: string[] = [];
    const look = () => {
      const generation = view.snapshot().get(web)?.value.generation;
      const pods = view.snapshot().get(podsKey("web"))?.value.generation;
      if (generation !== pods) torn.push(`${generation} and ${pods}`);
    };
    view.onChange(look);
    for (let generation = 1; generation <= 20; generation += 1) {
      const now = await other.list(["deployments", "pods"]);
      await other.commit({
        changes: [
          put(web, deployment({ generation }), now.get(web)?.version ?? "absent"),
          put(podsKey("web"), podsDocument([], { generation }), now.get(podsKey("web"))?.version ?? "absent"),
        ],
      });
      look();
    }
    await eventually("the last generation", () => view.snapshot().get(web)?.value.generation === 20);
    assert.deepEqual(torn, []);
    view.close();
  },

  "a view over presence wakes when somebody joins and leaves": async (_store, open) => {
    const [mine, other] = [await open(), await open()];
    const view = await mine.view(["presence"]);
    let presence = await other.join(presenceKey("n1"), { key: "k", pid: 1, since: act.at });
    await eventually("present", () => view.snapshot().get(presenceKey("n1")));
    await wakes(view, () => presence.leave());
    assert.deepEqual(view.snapshot().list("presence"), []);
    await wakes(view, async () => {
      presence = await other.join(presenceKey("n1"), { key: "again", pid: 1, since: act.at });
    });
    assert.equal(view.snapshot().get(presenceKey("n1"))?.value.key, "again");
    await wakes(view, () => other.close());
    assert.deepEqual(view.snapshot().list("presence"), []);
    view.close();
  },
};

function names(view: View): string[] {
  return view
    .snapshot()
    .list("deployments")
    .map(({ key }) => key);
}

/** Does something that must wake the view, and waits for that. */
async function wakes(view: View, act: () => Promise<unknown>): Promise<void> {
  let woken = false;
  const unsubscribe = view.onChange(() => (woken = true));
  await act();
  await eventually("the view wakes", () => woken);
  unsubscribe();
}
