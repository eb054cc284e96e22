// A followed folder on a mount that no longer answers, as when an NFS server is gone: here its FUSE daemon takes no more questions.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { eventually } from "../../support/eventually.ts";
import { fuseMount, whyNoFuse } from "../../support/fuse-mount.ts";
import { manifestText, syncLab } from "../../support/sync-lab.ts";
import { syncProcess } from "../../support/sync-process.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const run = promisify(execFile);
const program = fileURLToPath(new URL("../../../bin/dev.js", import.meta.url));

const skip = (await whyNoFuse()) ?? false;

/** A folder shown at another place by a daemon, and a store beside them. */
async function mounted(t: TestContext) {
  const { mount, hang, goOn } = fuseMount(t);
  const root = await tempFolder(t);
  const [behind, at] = [join(root, "behind"), join(root, "at")];
  for (const folder of [behind, at]) await mkdir(folder);
  const write = (name: string, image: string) => writeFile(join(behind, `${name}.yaml`), manifestText(name, image));
  await write("web", "a:1");
  await write("api", "a:1");
  await mount(behind, at);
  const storeUrl = `file:${join(root, "store.db")}`;
  const env = { ...process.env, ORCHESTRA_STORE: storeUrl, ORCHESTRA_STATE_DIR: join(root, "state") };
  const orchestra = async (...words: string[]) =>
    (await run(process.execPath, [program, ...words], { env }).catch((error: { stdout: string }) => error)).stdout;
  return { root, at, storeUrl, hang, goOn, write, orchestra };
}

test("a folder that hangs is told, nothing is pruned, and it is followed again when it answers", {
  skip,
}, async (t) => {
  const { root, at, storeUrl, hang, goOn, write, orchestra } = await mounted(t);
  const sync = syncProcess(t, { storeUrl, words: [at], folder: root });
  await sync.ready(/^200/);
  await hang();
  await orchestra("sync", "trigger");
  const status = () => orchestra("sync", "status");
  await eventually("status tells it", async () => /has not answered since/.test(await status()), 60_000);
  // It goes on to answer itself, too.
  await sync.ready(/has not answered since/);
  assert.match(await orchestra("get", "deployments"), /api.*\n.*web/);
  await write("web", "a:2");
  await goOn();
  await sync.ready(/^200/);
  await eventually(
    "it is applied",
    async () => /a:2/.test(await orchestra("get", "deployments", "-o", "wide")),
    60_000,
  );
});

test("SIGTERM ends a sync of a folder that hangs", { skip }, async (t) => {
  const { root, at, storeUrl, hang, orchestra } = await mounted(t);
  const sync = syncProcess(t, { storeUrl, words: [at], folder: root });
  await sync.ready(/^200/);
  await hang();
  await orchestra("sync", "trigger");
  await sync.ready(/has not answered since/);
  await sync.end();
  assert.match(sync.log(), /ends without a call that does not return/);
});

test("a folder that does not answer is away and keeps what it had, until it does", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", manifestText("web", "a:1"));
  let answer = () => {};
  let hangs = false;
  const ask = () => (hangs ? new Promise<void>((resolve) => (answer = resolve)) : Promise.resolve());
  await lab.start({ ask });
  await lab.settled({ web: "a:1" });
  hangs = true;
  await lab.remove("web.yaml");
  await lab.write("web.yaml", manifestText("web", "a:2"));
  await lab.told("it says so", ({ pass }) => /has not answered since/.test(pass?.errors.join() ?? ""));
  assert.deepEqual(await lab.images(), { web: "a:1" });
  hangs = false;
  answer();
  await lab.settled({ web: "a:2" });
});
