// A real kernel that gives no more watches: the folder is looked at every second instead, which is said once.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { eventually } from "../../support/eventually.ts";
import { manifestText, syncLab } from "../../support/sync-lab.ts";
import { syncProcess } from "../../support/sync-process.ts";

const run = promisify(execFile);
/** What the kernel counts for each user in each namespace: a new one begins with nothing, and a limit of its own. */
const limited = (name: string, limit: number) => {
  const script = `echo ${limit} > /proc/sys/user/${name} && exec "$@"`;
  return ["unshare", "--user", "--map-root-user", "sh", "-c", script, "sh"];
};

/** Why a test cannot have limits of its own here; undefined: it can. */
async function whyNoLimits(): Promise<string | undefined> {
  const [file = "", ...line] = [...limited("max_inotify_watches", 5), "true"];
  try {
    await run(file, line);
    return undefined;
  } catch {
    return "there is no user namespace to be had here (unshare --user), and so no limit of a test's own";
  }
}
const skip = (await whyNoLimits()) ?? false;

const all = (names: readonly string[], image: string) => Object.fromEntries(names.map((name) => [name, image]));
const [first, later] = [["d0", "d1", "d2", "d3"], Array.from({ length: 40 }, (_, index) => `d${index}`)];
/** More than the first folders with their files and the store need, and fewer than those that come later. */
const few = 40;

const cases = [
  { name: "without a single watch", limit: "max_inotify_instances", count: 0, says: /EMFILE/ },
  { name: "with too few for what is there", limit: "max_inotify_watches", count: 5, says: /ENOSPC/ },
  { name: "with too few for what comes", limit: "max_inotify_watches", count: few, says: /ENOSPC/ },
];
for (const { name, limit, count, says } of cases) {
  test(`${name} all changes are found, and it is said once why they are looked for`, { skip }, async (t) => {
    const lab = await syncLab(t);
    const write = async (names: readonly string[], image: string) => {
      for (const one of names) await lab.write(`${one}/${one}.yaml`, manifestText(one, image));
    };
    await write(first, "a:1");
    const storeUrl = `file:${join(lab.beside, "store.db")}`;
    const words = [lab.folder, "--max-affected", "100", "--max-replace", "100"];
    const sync = syncProcess(t, { storeUrl, words, folder: lab.beside, enter: limited(limit, count) });
    const said = () => sync.log().match(/^.*cannot be watched.*$/gm) ?? [];
    await sync.ready(/^200 synced/);
    await lab.settled(all(first, "a:1"));
    if (count === few) assert.deepEqual(said(), [], "it is enough at first");
    await write(later, "a:2");
    await lab.settled(all(later, "a:2"));
    await eventually("it is said", () => said().length > 0);
    await write(later, "a:3");
    await lab.settled(all(later, "a:3"));
    await sync.end();
    assert.equal(said().length, 1, sync.log());
    assert.match(said()[0] ?? "", says);
  });
}
