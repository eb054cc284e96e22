// Several processes of one machine, and several machines, that start for the first time in the same moment: they are one node and one cluster.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { presenceKey } from "../../src/model/keys.ts";
import { ensureCluster } from "../../src/store/cluster.ts";
import { openStore } from "../../src/store/open-store.ts";
import type { Store } from "../../src/store/store.ts";
import { act } from "../support/builders.ts";
import { tempFolder } from "../support/temp-folder.ts";

const run = promisify(execFile);
const processes = Array.from({ length: 6 }, (_, index) => index);
const source = (path: string) => pathToFileURL(join(import.meta.dirname, "../../src", path)).href;

/** Runs the module's text in a process of its own; gives what it prints. */
async function inProcess(text: string): Promise<string> {
  const { stdout } = await run(process.execPath, ["--input-type=module", "--eval", text]);
  return stdout.trim();
}

test("roles that start for the first time at once are one node, and leave nothing else in its folder", async (t) => {
  const stateDir = await tempFolder(t);
  const text = `import { nodeIdentity } from ${JSON.stringify(source("worker/identity.ts"))};
    const { node, key } = await nodeIdentity({ stateDir: ${JSON.stringify(stateDir)}, wanted: undefined, isShared: true });
    console.log(node, key);`;
  const told = await Promise.all(processes.map(() => inProcess(text)));
  assert.equal(new Set(told).size, 1, told.join("; "));
  assert.deepEqual(
    (await readdir(stateDir)).filter((name) => name.endsWith(".tmp")),
    [],
  );
});

test("a file that several processes replace at once is always whole, and each of them succeeds", async (t) => {
  const path = join(await tempFolder(t), "cluster.json");
  const text = (letter: string) => `import { readFile } from "node:fs/promises";
    import { replaceFile } from ${JSON.stringify(source("durable-file.ts"))};
    for (let round = 0; round < 40; round += 1) {
      await replaceFile(${JSON.stringify(path)}, ${JSON.stringify(letter)}.repeat(100_000));
      const seen = await readFile(${JSON.stringify(path)}, "utf8");
      if (!/^(.)\\1*$/.test(seen) || seen.length !== 100_000) throw new Error("torn: " + seen.length);
    }`;
  await Promise.all(processes.map((index) => inProcess(text(`${index}`))));
});

test("a first command whose store another one has begun meanwhile belongs to that cluster", async (t) => {
  const store = await openStore(`file:${join(await tempFolder(t), "store.db")}`, { create: true });
  t.after(() => store.close());
  let first: string | undefined;
  const slow: Store = {
    ...store,
    url: store.url,
    read: (key) => store.read(key),
    async list(selectors) {
      if (first === undefined) {
        first = (await ensureCluster(store, { now: act.at })).id;
        const presence = await store.join(presenceKey("n1"), { key: "k1", pid: 1, since: act.at });
        t.after(() => presence.leave());
      }
      return store.list(selectors);
    },
  };
  assert.equal((await ensureCluster(slow, { now: act.at })).id, first);
});
