// What is left when a process is killed, or stopped, at a bad moment.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { presenceKey } from "../../../src/model/keys.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { act } from "../../support/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { randomOf, rounds, seed } from "../../support/rounds.ts";
import { startStoreProcess, totalKey } from "../../support/store-child.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const n1 = presenceKey("n1");
const me = { key: "mine", pid: process.pid, since: act.at };

test(`kill -9 in the middle of commits loses no acknowledged one (${rounds} rounds, seed ${seed})`, async (t) => {
  const folder = await tempFolder(t);
  const random = randomOf("kill");
  for (let round = 0; round < rounds; round += 1) {
    const path = join(folder, `${round}.db`);
    const child = await startStoreProcess(t, `file:${path}`);
    // Large documents make a checkpoint every few commits, so some kills meet one.
    const writing = child.tell({ do: "write", bytes: round % 2 === 0 ? 200 : 200_000 });
    await eventually("the first commits", () => child.lines().length >= 3);
    await delay(random() * 40);
    await child.signal("SIGKILL");
    await assert.rejects(writing);
    const acknowledged = Number(child.lines().at(-1));

    const store = await openStore(`file:${path}`, { create: false });
    const all = await store.list(["deployments"]);
    await store.close();
    const written = all.get(totalKey)?.value.generation ?? 0;
    // The last one may have been committed without having been acknowledged.
    assert.ok(written === acknowledged || written === acknowledged + 1, `${written} after ${acknowledged}`);
    assert.equal(all.list("deployments").length, written + 1, "a commit is there as a whole");
    const raw = new DatabaseSync(path);
    assert.equal(raw.prepare("PRAGMA integrity_check").get()?.["integrity_check"], "ok");
    raw.close();
  }
});

test("presence and leadership of a killed process end at once", async (t) => {
  const url = `file:${join(await tempFolder(t), "store.db")}`;
  const store = await openStore(url, { create: true });
  const view = await store.view(["presence"]);
  t.after(() => store.close());
  const child = await startStoreProcess(t, url);
  const epoch = await child.tell({ do: "hold", node: "n1", election: "master" });
  await eventually("present", () => view.snapshot().get(n1));
  const refused = { code: "conflict", message: new RegExp(`pid ${child.pid}`) };
  await assert.rejects(store.join(n1, me), refused);
  const waiting = store.elect("master", AbortSignal.timeout(20_000));
  let woken = false;
  view.onChange(() => (woken = true));

  await child.signal("SIGKILL");
  assert.equal(await store.read(n1), undefined, "nobody waits for a lease to end");
  assert.deepEqual((await store.list(["presence"])).list("presence"), []);
  await eventually("the view wakes", () => woken);
  assert.equal(view.snapshot().get(n1), undefined);
  assert.ok((await waiting).epoch > Number(epoch));
  await store.join(n1, me);
  assert.equal((await store.read(n1))?.value.key, "mine");
  const locks = (await readdir(`${url.slice("file:".length)}-live`)).filter(
    (file) => !["commits", "log"].includes(file),
  );
  assert.ok(locks.length === 2 && locks.every((file) => file.includes(`.${process.pid}-`)), `${locks}`);
});

test("presence and leadership of a stopped process do not end", async (t) => {
  const url = `file:${join(await tempFolder(t), "store.db")}`;
  const store = await openStore(url, { create: true });
  t.after(() => store.close());
  const view = await store.view(["presence"]);
  const child = await startStoreProcess(t, url);
  await child.tell({ do: "hold", node: "n1", election: "master" });
  await child.signal("SIGSTOP");
  await eventually("stopped", async () => / T /.test(await readFile(`/proc/${child.pid}/stat`, "utf8")));
  // Longer than any look: the election asks several times meanwhile.
  await assert.rejects(store.elect("master", AbortSignal.timeout(700)), { name: "TimeoutError" });
  assert.equal((await store.read(n1))?.value.key, "n1");
  assert.equal(view.snapshot().get(n1)?.value.key, "n1");
  await assert.rejects(store.join(n1, me), { code: "conflict" });
  await child.signal("SIGCONT");
});
