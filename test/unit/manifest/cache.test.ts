// Results kept by content: the same with and without, whatever happened to the file that keeps them.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { loadManifests } from "../../../src/manifest/manifest.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const run = promisify(execFile);
const manifest = "name: web\nimage: demo\nreplicas: 2\n";

async function setUp(t: TestContext) {
  const folder = await tempFolder(t);
  const file = join(folder, "web.yaml");
  const cacheDir = join(folder, ".cache", "orchestra");
  const cache = join(cacheDir, "manifests.cache");
  writeFileSync(file, manifest);
  const load = () => loadManifests([file], { cacheDir });
  return { file, cacheDir, cache, load, without: await loadManifests([file]) };
}

test("a second run gives the same, from the cache alone", async (t) => {
  const { cacheDir, cache, load, without } = await setUp(t);
  assert.deepEqual(await load(), without);
  const { mtimeNs, mode } = statSync(cache, { bigint: true });
  assert.equal(Number(mode) & 0o777, 0o600);
  assert.deepEqual(await load(), without);
  assert.equal(statSync(cache, { bigint: true }).mtimeNs, mtimeNs, "an unchanged set writes nothing");
  assert.deepEqual(readdirSync(cacheDir), ["manifests.cache"]);
});

test("what the cache says is what is used: a planted result with a right checksum would show", async (t) => {
  const { file, cache, load } = await setUp(t);
  await load();
  const [, key] = readFileSync(cache, "utf8").split("\n");
  assert.ok(key && key.length === 43, "keyed by the content's SHA-256");
  writeFileSync(file, manifest.replace("2", "3"));
  assert.equal((await load()).manifests[0]?.spec.replicas, 3, "another content is another key");
});

const damages: readonly { name: string; damage: (text: string) => string }[] = [
  { name: "cut short", damage: (text) => text.slice(0, -5) },
  { name: "empty", damage: () => "" },
  {
    name: "of another program",
    damage: (text) => text.replace(/manifests [0-9a-f]{16}/, "manifests 0123456789abcdef"),
  },
  { name: "changed by hand", damage: (text) => text.replace('"replicas":2', '"replicas":9') },
  { name: "something else", damage: () => "\0\xff garbage\n".repeat(100) },
];
for (const { name, damage } of damages) {
  test(`a cache that is ${name} is not used, and written anew`, async (t) => {
    const { cache, load, without } = await setUp(t);
    await load();
    const good = readFileSync(cache, "utf8");
    writeFileSync(cache, damage(good));
    assert.notEqual(readFileSync(cache, "utf8"), good);
    assert.deepEqual(await load(), without);
    assert.equal(readFileSync(cache, "utf8"), good);
  });
}

test("a cache that others may write to is not believed", async (t) => {
  const { cache, load, without } = await setUp(t);
  await load();
  chmodSync(cache, 0o666);
  assert.deepEqual(await load(), without);
  assert.equal(statSync(cache).mode & 0o777, 0o600);
});

test("a cache folder that cannot be made is no error", async (t) => {
  const { file, without } = await setUp(t);
  assert.deepEqual(await loadManifests([file], { cacheDir: join(file, "below-a-file") }), without);
});

test("runs at the same time leave a whole file", async (t) => {
  const { cache, load, without, cacheDir } = await setUp(t);
  const results = await Promise.all(Array.from({ length: 8 }, load));
  for (const result of results) assert.deepEqual(result, without);
  assert.match(readFileSync(cache, "utf8"), /^orchestra manifests [0-9a-f]{16} [0-9a-f]{64}\n/);
  assert.deepEqual(readdirSync(cacheDir), ["manifests.cache"]);
});

test("a file with a problem is not kept", async (t) => {
  const { file, load } = await setUp(t);
  writeFileSync(file, "name: A\nimage: demo\n");
  await assert.rejects(load(), { code: "invalid" });
  await assert.rejects(load(), { code: "invalid" });
});

test("a warm run loads no parser", async (t) => {
  const { file, cacheDir, load } = await setUp(t);
  const room = new URL("../../../src/manifest/manifest.ts", import.meta.url).href;
  const program = `import { createRequire } from "node:module";
    const { loadManifests } = await import(${JSON.stringify(room)});
    await loadManifests([${JSON.stringify(file)}], { cacheDir: ${JSON.stringify(cacheDir)} });
    const loaded = Object.keys(createRequire(${JSON.stringify(room)}).cache);
    process.stdout.write(String(loaded.filter((path) => path.includes("node_modules")).length));`;
  const modules = async () => (await run(process.execPath, ["--input-type=module", "-e", program])).stdout;
  assert.notEqual(await modules(), "0", "the first run parses");
  await load();
  assert.equal(await modules(), "0");
});
