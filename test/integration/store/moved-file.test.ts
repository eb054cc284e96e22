// Another file is moved to the store's place while processes have the former one open, and its write-ahead log lies beside the new one:
// SQLite would play that log into the file that it does not belong to.
import assert from "node:assert/strict";
import { copyFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { openStore } from "../../../src/store/open-store.ts";
import { startStoreProcess } from "../../support/store-child.ts";
import { tempFolder } from "../../support/temp-folder.ts";

interface Trial {
  readonly path: string;
  readonly url: string;
  /** Of the time when there was `old` alone. */
  readonly copy: string;
  /** Has the file open, and has written much since that is in the log only. */
  readonly running: Awaited<ReturnType<typeof startStoreProcess>>;
}

async function grown(t: TestContext): Promise<Trial> {
  const folder = await tempFolder(t);
  const path = join(folder, "store.db");
  const url = `file:${path}`;
  const copy = join(folder, "copy.db");
  const running = await startStoreProcess(t, url);
  await running.tell({ do: "put", name: "old" });
  const database = new DatabaseSync(path);
  database.exec(`VACUUM INTO '${copy}'`);
  database.close();
  await running.tell({ do: "count", name: "late", times: 50 });
  return { path, url, copy, running };
}

async function namesIn(url: string): Promise<string[]> {
  const store = await openStore(url, { create: false });
  try {
    return (await store.list(["deployments"])).list("deployments").map(({ key }) => key);
  } finally {
    await store.close();
  }
}

test("who opens it first finds what was moved there, and nothing of the log of the former file", async (t) => {
  const { path, url, copy } = await grown(t);
  await rename(copy, path);
  const other = await startStoreProcess(t, url);
  await other.tell({ do: "put", name: "new" });
  await other.signal("SIGKILL");
  assert.deepEqual(await namesIn(url), ["deployments/new", "deployments/old"]);
  const database = new DatabaseSync(path);
  t.after(() => database.close());
  assert.deepEqual({ ...database.prepare("PRAGMA integrity_check").get() }, { integrity_check: "ok" });
});

test("the log of a process that was killed is not played into a copy that was moved there since", async (t) => {
  const { path, url, copy, running } = await grown(t);
  await running.signal("SIGKILL");
  await rename(copy, path);
  assert.deepEqual(await namesIn(url), ["deployments/old"]);
});

test("a copy that comes with its own log is opened with it", async (t) => {
  const { path, url, running } = await grown(t);
  await running.signal("SIGKILL");
  for (const end of ["", "-wal"]) await copyFile(`${path}${end}`, `${path}.kept${end}`);
  for (const end of ["", "-wal", "-shm"]) await rm(`${path}${end}`);
  for (const end of ["", "-wal"]) await rename(`${path}.kept${end}`, `${path}${end}`);
  assert.deepEqual(await namesIn(url), ["deployments/late", "deployments/old", "deployments/total"]);
});

test("a log that nobody has finished is played into the file that it belongs to", async (t) => {
  const { url, running } = await grown(t);
  await running.signal("SIGKILL");
  assert.deepEqual(await namesIn(url), ["deployments/late", "deployments/old", "deployments/total"]);
});
