// Everything that can be wrong with a store's file and folder: one clear error with a hint, and nothing half done.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmod, mkdir, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { clusterKey, deploymentKey, presenceKey } from "../../../src/model/keys.ts";
import { ensureCluster } from "../../../src/store/cluster.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { put } from "../../../src/store/store.ts";
import { act, deployment } from "../../support/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const web = deploymentKey("web");

const files: readonly { name: string; make: (path: string) => Promise<void>; error: object }[] = [
  {
    name: "a text file",
    make: (path) => writeFile(path, "apiVersion: orchestra/v1\n".repeat(40)),
    error: { code: "invalid", message: /store\.db is not an orchestra store$/, hint: /--store file:PATH/ },
  },
  {
    name: "another program's database",
    make: async (path) => useRaw(path, "CREATE TABLE people (name TEXT)"),
    error: { code: "invalid", message: /is not an orchestra store$/, hint: /--store/ },
  },
  {
    name: "a folder",
    make: async (path) => void (await mkdir(path)),
    error: { code: "invalid", message: /is not an orchestra store$/ },
  },
  {
    name: "a store of a newer release",
    make: async (path) => {
      await createStore(path);
      useRaw(path, "PRAGMA user_version = 7");
    },
    error: { code: "invalid", message: /has layout 7; this orchestra knows layout 1/, hint: /newer orchestra/ },
  },
  {
    name: "a store whose documents have a newer layout",
    make: async (path) => {
      const store = await openStore(`file:${path}`, { create: true });
      const cluster = await ensureCluster(store, { now: act.at });
      const { version = -1 } = (await store.read(clusterKey)) ?? {};
      await store.commit({ changes: [put(clusterKey, { ...cluster, layout: 2 }, version)] });
      await store.close();
    },
    error: { code: "invalid", message: /has layout 2; this orchestra knows layout 1/, hint: /newer orchestra/ },
  },
  {
    name: "a damaged store",
    make: async (path) => {
      await createStore(path);
      const file = await open(path, "r+");
      await file.write(Buffer.alloc(8192, 0x5a), 0, 8192, 100);
      await file.close();
    },
    error: { code: "invalid", message: /is damaged$|is not an orchestra store$/ },
  },
  {
    name: "a path below a file",
    make: async (path) => {
      await rm(join(path, ".."), { recursive: true });
      await writeFile(join(path, ".."), "");
    },
    error: { code: "unavailable", message: /is not a folder/ },
  },
];
for (const { name, make, error } of files) {
  test(`${name} is refused, with or without create`, async (t) => {
    const folder = join(await tempFolder(t), "state");
    const path = join(folder, "store.db");
    await mkdir(folder);
    await make(path);
    for (const create of [true, false]) await assert.rejects(openStore(`file:${path}`, { create }), error);
  });
}

test("a store that is not there is not found without create, and no file appears", async (t) => {
  const folder = await tempFolder(t);
  for (const path of ["store.db", "absent/store.db"]) {
    const error = { code: "not-found", message: /there is no store at .*store\.db$/, hint: /orchestra up/ };
    await assert.rejects(openStore(`file:${join(folder, path)}`, { create: false }), error);
  }
  assert.deepEqual(await readdir(folder), []);
});

const urls = [
  { url: "etcd://host1,host2/orchestra", message: /this release knows no etcd: stores/ },
  { url: "/var/lib/orchestra/store.db", message: /is not the URL of a store/ },
  { url: "file:", message: /names no file/ },
  { url: "file:/tmp/", message: /names no file/ },
  { url: "file://host/tmp/store.db", message: /names no file/ },
  { url: "", message: /is not the URL of a store/ },
];
for (const { url, message } of urls) {
  test(`the URL "${url}" is refused`, async () => {
    await assert.rejects(openStore(url, { create: true }), { code: "invalid", message, hint: /file:/ });
  });
}

test("the folder is made for this user only, and so are all files", async (t) => {
  const folder = join(await tempFolder(t), "a", "b");
  const store = await openStore(`file://${folder}/store.db`, { create: true });
  await store.commit({ changes: [put(web, deployment(), "absent")] });
  await store.join(presenceKey("n1"), { key: "k", pid: 1, since: act.at });
  const found = await readdir(folder, { recursive: true, withFileTypes: true });
  assert.ok(found.length >= 5, found.map(({ name }) => name).join(" "));
  assert.equal((await stat(folder)).mode & 0o777, 0o700);
  for (const entry of found) {
    const { mode } = await stat(join(entry.parentPath, entry.name));
    assert.equal(mode & 0o777, entry.isDirectory() ? 0o700 : 0o600, entry.name);
  }
  await store.close();
});

test("a store that was deleted under a running process is unavailable, and acknowledges nothing", async (t) => {
  const path = join(await tempFolder(t), "store.db");
  const store = await openStore(`file:${path}`, { create: true });
  t.after(() => store.close());
  const view = await store.view(["deployments"]);
  const leadership = await store.elect("master", new AbortController().signal);
  await rename(path, `${path}.old`);
  const error = { code: "unavailable", message: /has been deleted/, hint: /put the file back/ };
  await assert.rejects(store.commit({ changes: [put(web, deployment(), "absent")] }), error);
  await assert.rejects(store.read(web), error);
  assert.equal(leadership.signal.aborted, true);
  await assert.rejects(store.elect("master", AbortSignal.timeout(5_000)), error);
  await rename(`${path}.old`, path);
  await store.commit({ changes: [put(web, deployment(), "absent")] });
  await eventually("the view goes on", () => view.snapshot().fresh && view.snapshot().get(web));
  view.close();
});

test("what takes the store's place is used when it is whole, and never while it is not", async (t) => {
  const path = join(await tempFolder(t), "store.db");
  const store = await openStore(`file:${path}`, { create: true });
  t.after(() => store.close());
  await store.commit({ changes: [put(web, deployment(), "absent")] });
  const view = await store.view(["deployments"]);
  const api = deploymentKey("api");
  await createStore(`${path}.new`, api);
  const whole = await readFile(`${path}.new`);
  const half = Buffer.concat([whole.subarray(0, 4096), Buffer.alloc(whole.length - 4096, 7)]);
  for (const bad of [Buffer.from("no store"), half]) {
    await rm(path);
    await writeFile(path, bad);
    const why = () =>
      store.read(web).then(
        () => "",
        (error: Error) => error.message,
      );
    await eventually("it is said why", async () => /what is there cannot be used: /.test(await why()));
    assert.deepEqual([view.snapshot().fresh, view.snapshot().list("deployments").length], [false, 1]);
  }
  await rm(path);
  await writeFile(path, whole);
  await eventually("what is there now", () => view.snapshot().fresh && view.snapshot().get(api));
  await store.commit({ changes: [put(web, deployment(), "absent")] });
  view.close();
});

test("no permission is said so", {
  skip: process.getuid?.() === 0 ? false : "only root can become another user",
}, async (t) => {
  const folder = await tempFolder(t);
  await chmod(folder, 0o755);
  await createStore(join(folder, "store.db"));
  await mkdir(join(folder, "closed"), { mode: 0o700 });
  const module = new URL("../../../src/store/open-store.ts", import.meta.url).href;
  for (const [path, create] of [
    ["store.db", true],
    ["store.db", false],
    ["new.db", true],
    ["closed/store.db", true],
    ["closed/store.db", false],
  ] as const) {
    const script = `import { openStore } from "${module}";
      process.setuid(65534);
      await openStore("file:${join(folder, path)}", { create: ${create} }).catch((e) => console.log(e.code, e.message, "|", e.hint));`;
    const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module-typescript", "-e", script], {
      encoding: "utf8",
    });
    assert.match(
      stdout,
      /^unavailable no permission for the store .*\.db \| run as the user/,
      `${path} ${create}: ${stdout}${stderr}`,
    );
  }
});

async function createStore(path: string, key = web): Promise<void> {
  const store = await openStore(`file:${path}`, { create: true });
  await store.commit({ changes: [put(key, deployment(), "absent")] });
  await store.close();
}

function useRaw(path: string, sql: string): void {
  const database = new DatabaseSync(path);
  database.exec(sql);
  database.close();
}

test("a folder that cannot be made is told so, with advice", async () => {
  await assert.rejects(openStore("file:/proc/orchestra-test/store.db", { create: true }), {
    code: "unavailable",
    message: "the folder of the store /proc/orchestra-test/store.db cannot be made",
    hint: /--store file:PATH/,
  });
});

test("a store that is made in an empty file of others is for its user only", async (t) => {
  const path = join(await tempFolder(t), "store.db");
  await writeFile(path, "", { mode: 0o644 });
  const store = await openStore(`file:${path}`, { create: true });
  t.after(() => store.close());
  for (const file of [path, `${path}-wal`, `${path}-shm`]) assert.equal((await stat(file)).mode & 0o777, 0o600, file);
});
