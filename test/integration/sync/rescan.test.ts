// A change of a folder that nobody tells of, as on a network file system that another machine writes: it is found by looking, once a minute.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually, throughout } from "../../support/eventually.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { manifestText, syncLab } from "../../support/sync-lab.ts";

const web = (image: string) => manifestText("web", image);
/** So far in one go: a loop gathers wake-ups for a moment. */
const stepMs = 20;
/** Who has not looked again after so many steps has nothing left to do. */
const calmSteps = 30;

test("what no event tells is found a minute after the last look, and not before", async (t) => {
  const clock = fakeClock();
  const lab = await syncLab(t);
  await lab.write("web.yaml", web("a:1"));
  const sync = await lab.start({ clock, watch: () => ({ close: async () => {} }) });
  /** It has applied this, and its own words in the store have woken it for the last time. */
  const calm = async (image: string) => {
    let [passes, steps] = [0, 0];
    return eventually(`it rests at ${image}`, async () => {
      await clock.advance(stepMs);
      const now = sync.reading().passes;
      steps = now === passes ? steps + 1 : 0;
      passes = now;
      const isDone = (await lab.document())?.pass?.outcome === "synced" && (await lab.images())["web"] === image;
      return isDone && steps >= calmSteps;
    });
  };
  await calm("a:1");
  for (const image of ["a:2", "a:3"]) {
    const before = await lab.images();
    const lastAt = sync.reading().lastAt ?? assert.fail("no pass has ended");
    await lab.save("web.yaml", web(image));
    await clock.advance(lastAt + 59_999 - clock.now());
    await throughout(100, async () => assert.deepEqual(await lab.images(), before));
    await clock.advance(1);
    await lab.settled({ web: image });
    await calm(image);
  }
});
