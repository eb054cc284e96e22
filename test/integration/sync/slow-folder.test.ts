// A followed folder that takes long to look at: on a file server that is slow, or with more in it than is read.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemClock } from "../../../src/clock.ts";
import { silentLog } from "../../../src/log.ts";
import { filesLimit } from "../../../src/manifest/limits.ts";
import { problemText, type Tree } from "../../../src/manifest/manifest.ts";
import { openDirectory } from "../../../src/sync/directory.ts";
import { Reach } from "../../../src/sync/directory-reach.ts";
import { eventually } from "../../support/eventually.ts";
import { fuseMount, whyNoFuse } from "../../support/fuse-mount.ts";
import { manifestText } from "../../support/sync-lab.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const skip = (await whyNoFuse()) ?? false;
/** A machine under load. */
const limitMs = 60_000;

/** Looks, and counts how often the loop has turned meanwhile. */
function looking(t: TestContext, root: string, place: string) {
  const path = join(root, place);
  const [clock, log] = [systemClock, silentLog];
  // The question whether it answers lets the loop turn too.
  const reach = new Reach({ path, clock, ask: async () => {} });
  const source = openDirectory({
    path,
    wake() {},
    clock,
    log,
    reach,
    mountsFile: join(root, "mounts.json"),
  });
  t.after(() => source.close());
  return async () => {
    let turns = 0;
    let next: NodeJS.Immediate;
    const turn = () => {
      turns += 1;
      next = setImmediate(turn);
    };
    next = setImmediate(turn);
    const look = await source.look(new AbortController().signal);
    clearImmediate(next);
    assert.ok(look.state === "read");
    return { tree: look.tree, turns };
  };
}

test("while a slow file server is asked for each file, everybody else in the process gets their turn", {
  skip,
}, async (t) => {
  const { mount } = fuseMount(t);
  const root = await tempFolder(t);
  const [behind, at] = [join(root, "behind"), join(root, "at")];
  for (const folder of [behind, at]) await mkdir(folder);
  const count = 300;
  for (let index = 0; index < count; index += 1) {
    await writeFile(join(behind, `d${index}.yaml`), manifestText(`d${index}`, "a:1"));
  }
  await mount(behind, at, 1);
  const look = looking(t, root, "at");
  let last: Tree | undefined;
  // What was written just now is read once more, and somebody else has a turn while that is waited for.
  const { turns } = await eventually(
    "nothing is read any more",
    async () => {
      const { tree, turns } = await look();
      const isSame = tree === last;
      last = tree;
      return isSame && { turns };
    },
    limitMs,
  );
  assert.equal(last?.manifests.length, count);
  // A millisecond for each file, and nobody waits for more than ten and one.
  assert.ok(turns >= count / 20, `the loop has turned ${turns} times`);
});

test("of more files than are read none is opened, and the one that is too many is named", async (t) => {
  const root = await tempFolder(t);
  const path = join(root, "manifests");
  await mkdir(path);
  const nameOf = (at: number) => `${String(at).padStart(5, "0")}.yaml`;
  // Had one of them been read, it would be an error of its own.
  for (let at = 0; at < filesLimit + 2; at += 1) await writeFile(join(path, nameOf(at)), "");
  const { tree } = await looking(t, root, "manifests")();
  assert.deepEqual(tree.problems.map(problemText), [
    `${nameOf(filesLimit)}: is one more than the ${filesLimit} files that are read; name fewer`,
  ]);
});
