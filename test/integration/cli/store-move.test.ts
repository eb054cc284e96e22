// `store export` and `store import` at the command line, where nothing runs: what they say, write and refuse.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { ImportDocument } from "../../../src/cli/store/import-text.ts";
import { clusterKey } from "../../../src/model/keys.ts";
import { lockRole } from "../../../src/role-lock.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { put } from "../../../src/store/store.ts";
import { connectZooKeeper } from "../../../src/zookeeper/zookeeper.ts";
import { documentsOf, fill } from "../../support/builders.ts";
import { type Desk, openDesk } from "../../support/desk.ts";
import { startZooKeeper } from "../../support/zookeeper-server.ts";

const cluster = "0a1b2c3d";

/** A desk whose store holds two Deployments, and an export of it. */
async function filled(t: TestContext) {
  const desk = await openDesk(t);
  const store = await openStore(`file:${desk.storePath}`, { create: true });
  await fill(store, documentsOf({ deployments: { web: { pods: 2 }, api: { pods: 1 } } }));
  await store.close();
  const file = join(desk.folder, "backup.jsonl");
  const { code, stderr } = await desk.run("store", "export", "--out", file);
  assert.equal(code, 0, stderr);
  return { desk, file, target: join(desk.folder, "new", "store.db") };
}

async function documentOf(desk: Desk, ...words: readonly string[]): Promise<ImportDocument> {
  const { code, stdout, stderr } = await desk.run("store", "import", ...words, "-o", "json");
  assert.equal(code, 0, stdout + stderr);
  return JSON.parse(stdout) as ImportDocument;
}

test("export --out writes a new file for its owner only; standard output has the same, and says who can read it", async (t) => {
  const { desk, file } = await filled(t);
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  const again = await desk.run("store", "export", "--out", file);
  assert.deepEqual([again.code, /exists already/.test(again.stderr)], [3, true]);
  const { stdout } = await desk.run("store", "export");
  const bodyOf = (text: string) => text.split("\n").slice(1, -2);
  assert.deepEqual(bodyOf(stdout), bodyOf(await readFile(file, "utf8")));
  const shared = join(desk.folder, "shared.jsonl");
  const words = `umask 022; "$0" "$1" store export > ${shared}; umask 077; "$0" "$1" store export > ${shared}.own`;
  const { stderr } = await desk.shell(words);
  assert.equal(stderr.match(/others can read the file \(mode 644\)/g)?.length, 1, stderr);
});

test("an export that does not get through to the end says so", async (t) => {
  const { desk } = await filled(t);
  const { code, stderr } = await desk.shell('"$0" "$1" store export > /dev/full');
  assert.equal(code, 1);
  assert.match(stderr, /^Error: standard output cannot be written: ENOSPC[^\n]*\n$/);
});

test("import shows and writes nothing; with --yes it imports, and does nothing a second time", async (t) => {
  const { desk, file, target } = await filled(t);
  const url = `file:${target}`;
  const { code, stdout } = await desk.run("store", "import", file, "--store", url);
  assert.equal(code, 0);
  assert.match(
    stdout,
    /2 Deployments, 3 pods, 1 node\ninto .* as incarnation 2: \d+ documents created\.\nNothing was written/,
  );
  assert.ok(!existsSync(target));
  assert.equal((await documentOf(desk, file, "--store", url)).state, "planned");
  const done = await documentOf(desk, file, "--store", url, "--yes");
  assert.deepEqual([done.state, done.cluster, done.incarnation], ["imported", cluster, 2]);
  const again = await documentOf(desk, file, "--store", url, "--yes");
  assert.deepEqual([again.state, again.incarnation], ["unchanged", 2]);
  const listed = await desk.run("get", "deployments", "--store", url, "-o", "name");
  assert.equal(listed.stdout, "deployment/api\ndeployment/web\n");
});

test("from one store into the other through a pipe", async (t) => {
  const { desk, target } = await filled(t);
  const { code, stderr } = await desk.shell(
    `"$0" "$1" store export | "$0" "$1" store import - --store file:${target} --yes`,
  );
  assert.equal(code, 0, stderr);
  assert.equal((await desk.run("get", "deployment/web", "--store", `file:${target}`)).code, 0);
});

test("what is refused leaves no new store, and names the flag that allows it", async (t) => {
  const { desk, file, target } = await filled(t);
  const folder = join(desk.folder, "state", cluster);
  await mkdir(folder, { recursive: true });
  const seen = (incarnation: number, position: number) =>
    writeFile(join(folder, "master.json"), JSON.stringify({ incarnation, position }));
  await seen(1, 9_999);
  const words = ["store", "import", file, "--store", `file:${target}`, "--yes"];
  const { code, stderr } = await desk.run(...words);
  assert.equal(code, 3);
  assert.match(stderr, /this machine has seen a later state.*\nHint: .*export again.*--accept-rollback/);
  assert.ok(!existsSync(target));
  await seen(7, 1);
  assert.equal((await documentOf(desk, ...words.slice(2), "--accept-rollback")).incarnation, 8);
});

test("refused while a role of the cluster runs on this machine", async (t) => {
  const { desk, file, target } = await filled(t);
  const release = lockRole(join(desk.folder, "state", cluster), "worker");
  t.after(release);
  for (const yes of [[], ["--yes"]]) {
    const { code, stderr } = await desk.run("store", "import", file, "--store", `file:${target}`, ...yes);
    assert.equal(code, 3);
    assert.match(stderr, /orchestra runs on this machine for the cluster 0a1b2c3d\nHint: end it first .*export again/);
  }
  release();
  assert.equal((await documentOf(desk, file, "--store", `file:${target}`, "--yes")).state, "imported");
});

test("half an import: every other command says what to do", async (t) => {
  const { desk, file, target } = await filled(t);
  const sha256 = /"sha256":"([0-9a-f]+)"/.exec(await readFile(file, "utf8"))?.[1] ?? assert.fail("no checksum");
  const store = await openStore(`file:${target}`, { create: true });
  const value = documentsOf({}).get(clusterKey) as Record<string, unknown>;
  await store.commit({ changes: [put(clusterKey, { ...value, importing: sha256 } as never, "absent")] });
  await store.close();
  for (const words of [["get"], ["deploy", "x", "--image", "demo:1"], ["store", "export"], ["up"]]) {
    const { code, stderr } = await desk.run(...words, "--store", `file:${target}`);
    assert.equal(code, 3, stderr);
    assert.match(stderr, /has not been finished\nHint: .*repeat it with the same file.*another file and --replace/);
  }
  assert.equal((await documentOf(desk, file, "--store", `file:${target}`, "--yes")).state, "imported");
});

const strange = [
  { name: "a file that is not there", text: undefined, code: 1, says: /there is no file/ },
  { name: "a manifest", text: "kind: Deployment\n", code: 2, says: /is no export of a store/ },
  { name: "a cut file", text: "cut", code: 2, says: /is damaged: its end is missing/ },
];
for (const { name, text, code, says } of strange) {
  test(`import of ${name} writes nothing`, async (t) => {
    const { desk, file, target } = await filled(t);
    const path = join(desk.folder, "strange");
    const whole = await readFile(file, "utf8");
    if (text !== undefined) await writeFile(path, text === "cut" ? whole.slice(0, -100) : text);
    const outcome = await desk.run("store", "import", path, "--store", `file:${target}`, "--yes");
    assert.deepEqual([outcome.code, says.test(outcome.stderr)], [code, true], outcome.stderr);
    assert.ok(!existsSync(target));
  });
}

test("a store that holds a damaged document is not exported, and an import of a backup mends it", async (t) => {
  const { desk, file } = await filled(t);
  const servers = await startZooKeeper();
  t.after(() => servers.close());
  const url = `zk://${servers.connect}/here`;
  assert.equal((await documentOf(desk, file, "--store", url, "--yes")).state, "imported");
  const [host = "", port] = servers.connect.split(":");
  const client = connectZooKeeper({ servers: [{ host, port: Number(port) }], chroot: "/here" });
  t.after(() => client.close());
  const { data, stat } = await client.getData("/pods/web");
  await client.setData("/pods/web", data.subarray(0, 10), stat.version);
  const { code, stdout, stderr } = await desk.run("store", "export", "--store", url);
  assert.deepEqual([code, stdout], [2, ""]);
  assert.match(stderr, /the document pods\/web of the store .* is damaged/);
  const flags = ["--replace", "--accept-rollback", "--yes"];
  assert.deepEqual((await documentOf(desk, file, "--store", url, ...flags)).documents, {
    created: 0,
    changed: 1,
    removed: 0,
  });
  const parsed = (bytes: Uint8Array) => JSON.parse(Buffer.from(bytes).toString()) as unknown;
  assert.deepEqual(parsed((await client.getData("/pods/web")).data), parsed(data));
  assert.equal((await desk.run("store", "export", "--store", url)).code, 0);
});

test("on a terminal an export says that what is shown may be secret", async (t) => {
  const { desk } = await filled(t);
  const { stdout } = await desk.shell('script -qec "$0 $1 store export" /dev/null');
  assert.match(stdout, /Note: the export holds the values of environment variables, and it is shown on this terminal/);
});
