// What the outside does to a store: connections cut, holders ended, an older state put back.
import assert from "node:assert/strict";
import { deploymentKey, epochKey, presenceKey } from "../../src/model/keys.ts";
import { put, remove } from "../../src/store/store.ts";
import { act, deployment } from "../support/builders.ts";
import { eventually, fired } from "../support/eventually.ts";
import { conflictAt, isOffered, type StoreLaw, type StoreUnderTest } from "./store-harness.ts";

const web = deploymentKey("web");
const n1 = presenceKey("n1");
const me = { key: "mine", pid: process.pid, since: act.at };
const never = new AbortController().signal;

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
      "an older state put in the store's place shows a lower position to whoever opens it, and never as fresh in an open view",
    needs: "remember",
    async law(store: StoreUnderTest, open) {
      const mine = await open();
      await mine.commit({ changes: [put(web, deployment(), "absent")] });
      if (!isOffered(store.remember)) return;
      const goBack = await store.remember();
      const newest = await mine.commit({ changes: [put(deploymentKey("api"), deployment(), "absent")] });
      const view = await mine.view(["deployments"]);
      const positions: number[] = [];
      view.onChange(() => view.snapshot().fresh && positions.push(view.snapshot().position));
      await goBack();
      const late = await open();
      assert.ok((await late.list(["deployments"])).position < newest);
      await eventually("the view is not fresh", () => !view.snapshot().fresh);
      await assert.rejects(mine.commit({ changes: [put(deploymentKey("x"), deployment(), "absent")] }), {
        code: "unavailable",
      });
      assert.ok(positions.every((position) => position >= newest));
      view.close();
    },
  },
];
