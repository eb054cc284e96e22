// What the outside does to a store: connections cut, holders ended, an older state put back.
import assert from "node:assert/strict";
import { clusterKey, deploymentKey, epochKey, presenceKey } from "../../src/model/keys.ts";
import { put, remove, type Store } from "../../src/store/store.ts";
import { act, deployment } from "../support/builders.ts";
import { eventually, fired } from "../support/eventually.ts";
import { conflictAt, isOffered, type StoreLaw, type StoreUnderTest } from "./store-harness.ts";

const web = deploymentKey("web");
const n1 = presenceKey("n1");
const me = { key: "mine", pid: process.pid, since: act.at };
const never = new AbortController().signal;
/** A server that starts again, and a session that has to end first. */
const limitMs = 30_000;

export interface OutsideLaw {
  readonly sentence: string;
  readonly needs: "cut" | "endPresence" | "depose" | "remember";
  readonly law: StoreLaw;
}

export const outsideLaws: readonly OutsideLaw[] = [
  {
    sentence:
      "a cut-off client says unavailable, its view is not fresh, and both recover with everything that was missed",
    needs: "cut",
    async law({ cut }, open) {
      const [mine, other] = [await open(), await open()];
      const version = await mine.commit({ changes: [put(web, deployment(), "absent")] }).then(() => mine.read(web));
      const view = await mine.view(["deployments"]);
      let wakes = 0;
      view.onChange(() => (wakes += 1));
      if (!isOffered(cut)) return;
      const mend = await cut.run(mine);
      await eventually("the view is not fresh", () => !view.snapshot().fresh && wakes > 0);
      assert.ok(view.snapshot().get(web), "what was known stays readable");
      await assert.rejects(mine.commit({ changes: [put(deploymentKey("x"), deployment(), "absent")] }), {
        code: "unavailable",
      });
      await assert.rejects(mine.read(web), { code: "unavailable" });
      if (cut.reach === "one") {
        await other.commit({
          changes: [put(deploymentKey("new"), deployment(), "absent"), remove(web, version?.version ?? -1)],
        });
      }
      const before = wakes;
      await mend();
      await eventually("the view is fresh again", () => view.snapshot().fresh && wakes > before);
      const keys = view
        .snapshot()
        .list("deployments")
        .map(({ key }) => key);
      assert.deepEqual(keys, cut.reach === "one" ? ["deployments/new"] : [web]);
      await eventually("commits go through again", () =>
        mine.commit({ changes: [put(deploymentKey("x"), deployment(), "absent")] }).then(
          () => true,
          () => false,
        ),
      );
      view.close();
    },
  },
  {
    sentence: "a cut-off leader and a cut-off presence hear of it",
    needs: "cut",
    async law({ cut }, open) {
      const mine = await open();
      const leadership = await mine.elect("master", never);
      const presence = await mine.join(n1, me);
      if (!isOffered(cut)) return;
      const mend = await cut.run(mine);
      await fired("leadership may be gone", leadership.signal);
      await fired("presence is lost", presence.lost);
      await mend();
    },
  },
  {
    sentence: "a presence that ends from outside is gone for others, its holder hears of it and may join again",
    needs: "endPresence",
    async law({ endPresence }, open) {
      const [mine, other] = [await open(), await open()];
      const view = await other.view(["presence"]);
      const presence = await mine.join(n1, me);
      await eventually("present", () => view.snapshot().get(n1));
      if (isOffered(endPresence)) await endPresence(n1);
      await fired("its holder hears of it", presence.lost);
      await eventually("a view no longer shows it", () => view.snapshot().get(n1) === undefined);
      assert.equal(await other.read(n1), undefined);
      await mine.join(n1, { ...me, key: "again" });
      await eventually("present again", () => view.snapshot().get(n1)?.value.key === "again");
      await presence.leave();
      assert.equal((await other.read(n1))?.value.key, "again", "a late leave must not remove the successor");
      view.close();
    },
  },
  {
    sentence: "a deposed leader hears of it, and its late commit is refused",
    needs: "depose",
    async law({ depose }, open) {
      const [mine, other] = [await open(), await open()];
      const first = await mine.elect("master", never);
      const waiting = other.elect("master", never);
      if (isOffered(depose)) await depose("master");
      await fired("the old leader hears of it", first.signal);
      const second = await waiting;
      assert.ok(second.epoch > first.epoch);
      const late = mine.commit({ changes: [put(web, deployment(), "absent")], epoch: first.epoch });
      await assert.rejects(late, conflictAt(epochKey));
      await first.resign();
      await other.commit({ changes: [put(web, deployment(), "absent")], epoch: second.epoch });
    },
  },
  {
    sentence:
      "an older state put in the store's place is shown by open views with its lower position; presence and leadership end, and can be had again",
    needs: "remember",
    async law(store: StoreUnderTest, open) {
      const mine = await open();
      await mine.commit({ changes: [put(web, deployment(), "absent")] });
      if (!isOffered(store.remember)) return;
      const goBack = await store.remember();
      const newest = await lastWord(mine);
      const view = await mine.view(["deployments"]);
      let wakes = 0;
      view.onChange(() => (wakes += 1));
      const presence = await eventually("present", () => mine.join(n1, me).catch(() => undefined));
      const leadership = await mine.elect("master", never);
      await goBack();
      await fired("presence is lost", presence.lost);
      await fired("leadership may be gone", leadership.signal);
      const now = await eventually(
        "the view shows the older state",
        () => view.snapshot().fresh && view.snapshot().position < newest && view.snapshot(),
        limitMs,
      );
      assert.ok(wakes > 0);
      assert.deepEqual(
        now.list("deployments").map(({ key }) => key),
        [web],
      );
      const late = put(deploymentKey("x"), deployment(), "absent");
      await assert.rejects(mine.commit({ changes: [late], epoch: leadership.epoch }), { code: "conflict" });
      await mine.commit({ changes: [put(web, deployment({ generation: 2 }), now.get(web)?.version ?? -1)] });
      const again = await mine.join(n1, { ...me, key: "again" });
      const next = await mine.elect("master", never);
      await mine.commit({ changes: [late], epoch: next.epoch });
      await eventually("the view goes on", () => view.snapshot().list("deployments").length === 2);
      const other = await open();
      assert.equal((await other.read(web))?.value.generation, 2);
      assert.equal((await other.read(n1))?.value.key, "again");
      await again.leave();
      view.close();
    },
  },
  {
    sentence: "another cluster in the store's place is neither shown nor written into",
    needs: "remember",
    async law(store: StoreUnderTest, open) {
      const first = await open();
      const cluster = { id: "b", layout: 1, incarnation: 1, networkRange: "10.42.0.0/16", createdAt: act.at };
      await first.commit({ changes: [put(clusterKey, cluster, "absent"), put(web, deployment(), "absent")] });
      if (!isOffered(store.remember)) return;
      const goBack = await store.remember();
      const found = await eventually("it is there", () => first.read(clusterKey).catch(() => undefined));
      await first.commit({ changes: [put(clusterKey, { ...cluster, id: "a" }, found.version)] });
      const mine = await open();
      const view = await mine.view(["deployments", clusterKey]);
      const presence = await mine.join(n1, me);
      await goBack();
      const refusal = { code: "unavailable", message: /holds another cluster now \(b instead of a\)$/ };
      await fired("presence is lost", presence.lost);
      const refused = () =>
        assert.rejects(mine.read(web), refusal).then(
          () => true,
          () => false,
        );
      await eventually("it is said which", refused, limitMs);
      await assert.rejects(mine.commit({ changes: [put(deploymentKey("x"), deployment(), "absent")] }), refusal);
      await assert.rejects(mine.join(n1, me), refusal);
      await assert.rejects(mine.elect("master", never), refusal);
      assert.deepEqual([view.snapshot().fresh, view.snapshot().get(clusterKey)?.value.id], [false, "a"]);
      const other = await (await open()).list(["deployments", "presence"]);
      assert.deepEqual([other.list("deployments").length, other.list("presence").length], [1, 0]);
      view.close();
    },
  },
];

/** A commit that the older state lacks: its position. The store may just have come back. */
function lastWord(store: Store): Promise<number> {
  const changes = [put(deploymentKey("api"), deployment(), "absent")];
  return eventually("it takes a change", () => store.commit({ changes }).catch(() => undefined));
}
