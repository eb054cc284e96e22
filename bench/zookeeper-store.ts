// The store on ZooKeeper beside the bare client that it stands on: the same bytes to the same server, in turns.
import { fileURLToPath } from "node:url";
import { deploymentKey } from "../src/model/keys.ts";
import { openStore } from "../src/store/open-store.ts";
import { type Change, put, type Store } from "../src/store/store.ts";
import { openAcl } from "../src/zookeeper/records.ts";
import { connectZooKeeper, type ZooKeeper } from "../src/zookeeper/zookeeper.ts";
import { sampleDocument as value } from "./bench-document.ts";
import { type Figure, median, quantile, report, rounds, sharedNow, timed } from "./bench-measure.ts";
import { obey, pipelined, startBenchProcess, startBenchServer } from "./bench-zookeeper.ts";

const documents = 1_000;
/** Commits that wait for their outcome at a time. */
const width = 64;
/** At least 70% of the speed of the bare client. */
const atMost = 1 / 0.7;

const data = Buffer.from(JSON.stringify(value));

const [, , role, connect = ""] = process.argv;
if (role === "committer") await commitOnOrder(connect);
else if (role === "setter") await setOnOrder(connect);
else await main();

async function main(): Promise<void> {
  const server = await startBenchServer();
  try {
    const client = await bareClient(server.connect);
    const store = await openStore(`zk://${server.connect}/bench`, { create: true });
    await client.create("/raw", Buffer.alloc(0), { mode: "persistent", acl: openAcl });
    // The last one leaves the most behind.
    await latency(store, client, server.connect);
    await many(store, client);
    await large(store, client);
    await store.close();
    await client.close();
  } finally {
    await server.close();
  }
}

async function large(store: Store, client: ZooKeeper): Promise<void> {
  const numbers = Array.from({ length: documents }, (_, index) => index);
  const create = { do: "create", data, mode: "persistent", acl: openAcl } as const;
  const baseline = "the client's own multi of 1,000 creates";
  const figures = await inTurns(
    (round) =>
      store.commit({ changes: numbers.map((index) => put(deploymentKey(`l${round}-${index}`), value, "absent")) }),
    { [baseline]: (round) => client.multi(numbers.map((index) => ({ ...create, path: `/raw/l${round}-${index}` }))) },
  );
  report({ what: "ZooKeeper: commit of 1,000 documents", unit: "ms", ...figures, target: { baseline, atMost } });
}

async function many(store: Store, client: ZooKeeper): Promise<void> {
  const keys = Array.from({ length: documents }, (_, index) => deploymentKey(`m${index}`));
  await store.commit({ changes: keys.map((key) => put(key, value, "absent")) });
  const paths = keys.map((_, index) => `/raw/m${index}`);
  for (const path of [...paths, "/raw/a", "/raw/b"]) {
    await client.create(path, data, { mode: "persistent", acl: openAcl });
  }
  let changes: Change[] = [];
  const list = async () => {
    const found = await store.list(["deployments"]);
    changes = keys.map((key) => put(key, value, found.get(key)?.version ?? "absent"));
  };
  const commit = async (index: number) => store.commit({ changes: changes.slice(index, index + 1) });
  const set = (index: number) => client.setData(paths[index] ?? "", data, -1);
  // What a commit asks of the server: nothing was removed meanwhile, the document, and how far the store has come.
  const same = (index: number) =>
    client.multi([
      { do: "check", path: "/raw/a", version: 0 },
      { do: "set", path: paths[index] ?? "", data, version: -1 },
      { do: "set", path: "/raw/b", data: data.subarray(0, 8), version: -1 },
    ]);
  const baseline = "the client's own set";
  const figures = await inTurns(
    () => pipelined(documents, commit, width),
    {
      [baseline]: () => pipelined(documents, set, width),
      "the client's own multi of the same three operations": () => pipelined(documents, same, width),
    },
    list,
  );
  const what = `ZooKeeper: 1,000 commits of one document, ${width} in flight`;
  report({ what, unit: "ms", ...figures, target: { baseline, atMost } });
}

/** Another process commits, or sets, when nothing else happens; how long after that ours knows of it. */
async function latency(store: Store, client: ZooKeeper, servers: string): Promise<void> {
  const file = fileURLToPath(import.meta.url);
  const committer = await startBenchProcess(file, ["committer", servers]);
  const setter = await startBenchProcess(file, ["setter", servers]);
  const view = await store.view(["deployments", "presence"]);
  let told = Promise.withResolvers<number>();
  let read = Promise.withResolvers<number>();
  view.onChange(() => told.resolve(sharedNow()));
  const watch = await client.addWatch("/raw", "recursive", async ({ path }) => {
    told.resolve(sharedNow());
    await client.getData(path);
    read.resolve(sharedNow());
  });
  const samples: number[] = [];
  const events: number[] = [];
  const reads: number[] = [];
  for (let round = -20; round < rounds(200); round += 1) {
    told = Promise.withResolvers();
    const committed = await committer.ask("commit");
    const mine = (await told.promise) - committed;
    told = Promise.withResolvers();
    read = Promise.withResolvers();
    const set = await setter.ask("set");
    const other = [(await told.promise) - set, (await read.promise) - set] as const;
    if (round < 0) continue;
    samples.push(mine);
    events.push(other[0]);
    reads.push(other[1]);
  }
  view.close();
  await watch.remove();
  await committer.end();
  await setter.end();
  // An event does not carry what it tells of, and a view that wakes has it.
  const baseline = "a watch of the bare client, and a read of what has changed";
  const baselines = { [baseline]: median(reads), "the watch alone": median(events) };
  const what = "ZooKeeper: view wakes for a commit of another process";
  const target = { baseline, atMost: 2 };
  report({ what: `${what}, median`, unit: "ms", ours: median(samples), baselines, target, samples });
  report({ what: `${what}, p99`, unit: "ms", ours: quantile(samples, 0.99), bound: 20, samples });
}

async function commitOnOrder(servers: string): Promise<void> {
  const store = await openStore(`zk://${servers}/bench`, { create: false });
  const key = deploymentKey("woken");
  await store.commit({ changes: [put(key, value, "absent")] });
  obey(async () => {
    const version = (await store.read(key))?.version ?? "absent";
    const begun = sharedNow();
    await store.commit({ changes: [put(key, value, version)] });
    return begun;
  });
}

async function setOnOrder(servers: string): Promise<void> {
  const client = await bareClient(servers);
  await client.create("/raw/woken", data, { mode: "persistent", acl: openAcl });
  obey(async () => {
    const begun = sharedNow();
    await client.setData("/raw/woken", data, -1);
    return begun;
  });
}

async function bareClient(servers: string): Promise<ZooKeeper> {
  const [host = "", port] = servers.split(":");
  const client = connectZooKeeper({ servers: [{ host, port: Number(port) }] });
  await client.ready;
  return client;
}

/** Milliseconds of each, one after the other, so that what disturbs this machine disturbs all. The first rounds only warm up. */
async function inTurns(
  ours: (round: number) => Promise<unknown>,
  references: Readonly<Record<string, (round: number) => Promise<unknown>>>,
  prepare: () => Promise<unknown> = async () => {},
): Promise<Pick<Figure, "ours" | "baselines" | "samples">> {
  const samples: number[] = [];
  const others = new Map<string, number[]>(Object.keys(references).map((name) => [name, []]));
  const warm = 3;
  for (let round = 0; round < warm + rounds(20); round += 1) {
    await prepare();
    const note = (times: number[] | undefined, ms: number) => round >= warm && times?.push(ms);
    note(samples, await timed(() => ours(round)));
    for (const [name, run] of Object.entries(references)) note(others.get(name), await timed(() => run(round)));
  }
  const baselines = Object.fromEntries([...others].map(([name, times]) => [name, median(times)]));
  return { ours: median(samples), baselines, samples };
}
