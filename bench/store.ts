// The embedded store in figures, each beside its raw baseline from the same run. Needs nothing but Node: `node bench/store.ts`
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { closeSync, fdatasyncSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { deploymentKey } from "../src/model/keys.ts";
import { openStore } from "../src/store/open-store.ts";
import { put, type Store } from "../src/store/store.ts";
import { sampleDocument as value } from "./bench-document.ts";
import { benchFolder } from "./bench-ending.ts";
import { median, quantile, report, rounds, sharedNow, timed } from "./bench-measure.ts";

const perCommit = 1_000;
const idleMs = 10_000;

const [, , role, url = ""] = process.argv;
if (role === "committer") await commitOnOrder(url);
else if (role === "idler") await watchIdly(url);
else await main();

async function main(): Promise<void> {
  const { folder, remove } = await benchFolder();
  try {
    const store = await openStore(`file:${join(folder, "store.db")}`, { create: true });
    await commits(store, folder);
    await reads(store);
    await wakes(store);
    await store.close();
    await idling(store.url);
  } finally {
    await remove();
  }
}

async function commits(store: Store, folder: string): Promise<void> {
  const single = await times(rounds(100), (round) =>
    store.commit({ changes: [put(deploymentKey(`s${round}`), value, "absent")] }),
  );
  const fdatasync = await times(rounds(100), () => {
    const file = openSync(join(folder, "raw"), "a");
    writeSync(file, Buffer.alloc(4096));
    fdatasyncSync(file);
    closeSync(file);
  });
  report({
    what: "commit of one document",
    unit: "ms",
    ours: median(single),
    baselines: { "append and fdatasync of 4 KiB": median(fdatasync) },
    samples: single,
  });
  const names = Array.from({ length: perCommit }, (_, index) => index);
  const many = await times(10, (round) =>
    store.commit({ changes: names.map((index) => put(deploymentKey(`d${round}-${index}`), value, "absent")) }),
  );
  report({
    what: "commit of 1,000 documents",
    unit: "ms",
    ours: median(many),
    baselines: { "raw insert of 1,000 rows": median(await times(10, rawInsert(folder, names))) },
    bound: 30,
    samples: many,
  });
}

async function reads(store: Store): Promise<void> {
  const list = await times(10, () => store.list(["deployments"]));
  const path = store.url.slice("file:".length);
  const select = new DatabaseSync(path, { readOnly: true }).prepare("SELECT key, version, json FROM documents");
  const raw = await times(10, () => {
    for (const row of select.all()) JSON.parse(String(row["json"]));
  });
  report({
    what: "snapshot of 10,000 documents",
    unit: "ms",
    ours: median(list),
    baselines: { "raw select and JSON.parse": median(raw) },
    bound: 60,
    samples: list,
  });
  const opens = await times(20, async () => {
    const opened = await openStore(store.url, { create: false });
    await opened.read(deploymentKey("s1"));
    await opened.close();
  });
  const thread = await times(10, startThread);
  report({
    what: "open, read one document, close",
    unit: "ms",
    ours: median(opens),
    baselines: { "start of a worker thread with node:sqlite": median(thread) },
    bound: 15,
    samples: opens,
  });
}

/** Another process commits at random moments; how long after its commit our view has woken. */
async function wakes(store: Store): Promise<void> {
  const committer = start("committer", store.url);
  await once(committer, "message");
  const view = await store.view(["deployments", "presence"]);
  const samples: number[] = [];
  for (let round = 0; round < rounds(100); round += 1) {
    await delay(Math.random() * 20);
    samples.push(await oneWake(committer, (wake) => view.onChange(wake)));
  }
  view.close();
  committer.disconnect();
  const p99 = quantile(samples, 0.99);
  report({ what: "view wakes for a commit of another process, p99", unit: "ms", ours: p99, bound: 50, samples });
}

/** In processes of their own: what the figures above left behind (compiling, collecting garbage) is not idleness. */
async function idling(store: string): Promise<void> {
  const percent = async (url: string) => {
    const [cpu] = (await once(start("idler", url), "message")) as [number];
    return cpu;
  };
  const raw = await percent("");
  const ours = await percent(store);
  report({
    what: "an open view while nothing changes",
    unit: "% of a core",
    ours,
    baselines: { "a Node process that does nothing": raw },
    bound: 0.3,
    samples: [ours],
  });
}

async function oneWake(committer: ChildProcess, onChange: (wake: () => void) => () => void): Promise<number> {
  const woken = new Promise<number>((resolve) => {
    const unsubscribe = onChange(() => {
      unsubscribe();
      resolve(sharedNow());
    });
  });
  const begun = once(committer, "message") as Promise<[number]>;
  committer.send("commit");
  const [at] = await begun;
  return (await woken) - at;
}

async function commitOnOrder(store: string): Promise<void> {
  const opened = await openStore(store, { create: false });
  let count = 0;
  process.on("message", async () => {
    const begun = sharedNow();
    count += 1;
    await opened.commit({ changes: [put(deploymentKey(`other${count}`), value, "absent")] });
    process.send?.(begun);
  });
  process.on("disconnect", () => process.exit());
  process.send?.("ready");
}

async function watchIdly(store: string): Promise<void> {
  if (store !== "") await (await openStore(store, { create: false })).view(["deployments", "presence"]);
  await delay(2_000);
  const before = process.cpuUsage();
  await delay(idleMs);
  const { user, system } = process.cpuUsage(before);
  process.send?.((user + system) / 1000 / (idleMs / 100), () => process.exit());
}

function start(role: string, store: string): ChildProcess {
  return fork(fileURLToPath(import.meta.url), [role, store]);
}

function rawInsert(folder: string, names: readonly number[]): (round: number) => void {
  const database = new DatabaseSync(join(folder, "raw.db"));
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
  database.exec("CREATE TABLE d (key TEXT PRIMARY KEY, json TEXT)");
  const insert = database.prepare("INSERT INTO d VALUES (?, ?)");
  return (round) => {
    database.exec("BEGIN IMMEDIATE");
    for (const index of names) insert.run(`d${round}-${index}`, JSON.stringify(value));
    database.exec("COMMIT");
  };
}

async function startThread(): Promise<void> {
  const program = "require('node:sqlite'); require('node:worker_threads').parentPort.postMessage(0)";
  const worker = new Worker(program, { eval: true });
  await once(worker, "message");
  await worker.terminate();
}

async function times(count: number, run: (round: number) => unknown): Promise<number[]> {
  const samples: number[] = [];
  for (let round = 0; round < count; round += 1) samples.push(await timed(async () => run(round)));
  return samples;
}
