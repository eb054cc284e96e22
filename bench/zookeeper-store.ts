// The store on ZooKeeper beside the bare client that it stands on: the same bytes to the same server, in turns.
import { fileURLToPath } from "node:url";
import { deploymentKey } from "../src/model/keys.ts";
import { openStore } from "../src/store/open-store.ts";
import { type Change, put, type Store } from "../src/store/store.ts";
import { type Data, type Op, openAcl } from "../src/zookeeper/records.ts";
import { connectZooKeeper, type ZooKeeper } from "../src/zookeeper/zookeeper.ts";
import { sampleDocument as value } from "./bench-document.ts";
import { type Figure, median, quantile, report, rounds, sharedNow, timed } from "./bench-measure.ts";
import { obey, pipelined, startBenchProcess, startBenchServer } from "./bench-zookeeper.ts";

const documents = 1_000;
/** Commits that wait for their outcome at a time. */
const width = 64;
/** Before a view's latency is measured: views live in processes that run for long. */
const warmRounds = 100;
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
    for (const path of ["/raw", "/a", "/b", "/c"]) {
      await client.create(path, Buffer.alloc(0), { mode: "persistent", acl: openAcl });
    }
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
  const create = { do: "create", mode: "persistent", acl: openAcl } as const;
  const baseline = "the client's own multi of 1,000 creates";
  const own = (prefix: string, content: () => Data) =>
    client.multi(numbers.map((index) => ({ ...create, data: content(), path: `/raw/${prefix}-${index}` })));
  const figures = await inTurns(
    (round) =>
      store.commit({ changes: numbers.map((index) => put(deploymentKey(`l${round}-${index}`), value, "absent")) }),
    {
      [baseline]: (round) => own(`l${round}`, () => data),
      // A commit gets values, not bytes.
      "the same, with the JSON of each document": (round) => own(`j${round}`, () => [JSON.stringify(value)]),
    },
  );
  report({ what: "ZooKeeper: commit of 1,000 documents", unit: "ms", ...figures, target: { baseline, atMost } });
}

async function many(store: Store, client: ZooKeeper): Promise<void> {
  const keys = Array.from({ length: documents }, (_, index) => deploymentKey(`m${index}`));
  await store.commit({ changes: keys.map((key) => put(key, value, "absent")) });
  const paths = keys.map((_, index) => `/raw/m${index}`);
  for (const path of paths) {
    await client.create(path, data, { mode: "persistent", acl: openAcl });
  }
  let changes: Change[] = [];
  const list = async () => {
    const found = await store.list(["deployments"]);
    changes = keys.map((key) => put(key, value, found.get(key)?.version ?? "absent"));
  };
  const commit = async (index: number) => store.commit({ changes: changes.slice(index, index + 1) });
  const set = (index: number) => client.setData(paths[index] ?? "", data, -1);
  const same = (index: number) => client.multi(asCommit(paths[index] ?? ""));
  const baseline = "the client's own set";
  const figures = await inTurns(
    () => pipelined(documents, commit, width),
    {
      [baseline]: () => pipelined(documents, set, width),
      "the client's own multi of the same operations": () => pipelined(documents, same, width),
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
  const reads = { set: [] as number[], transaction: [] as number[] };
  const bare = async (order: "set" | "transaction") => {
    told = Promise.withResolvers();
    read = Promise.withResolvers();
    const begun = await setter.ask(order);
    return { event: (await told.promise) - begun, read: (await read.promise) - begun };
  };
  for (let round = -warmRounds; round < rounds(200); round += 1) {
    told = Promise.withResolvers();
    const committed = await committer.ask("commit");
    const mine = (await told.promise) - committed;
    const set = await bare("set");
    const transaction = await bare("transaction");
    if (round < 0) continue;
    samples.push(mine);
    events.push(set.event);
    reads.set.push(set.read);
    reads.transaction.push(transaction.read);
  }
  view.close();
  await watch.remove();
  await committer.end();
  await setter.end();
  // An event does not carry what it tells of, and a view that wakes has it: that needs a second way to the server and back.
  const baseline = "a watch of the bare client, and a read of what has changed";
  const baselines = {
    [baseline]: median(reads.set),
    "the same of a transaction as a commit makes it": median(reads.transaction),
    "the watch alone": median(events),
  };
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
  obey(async (order) => {
    const begun = sharedNow();
    if (order === "set") await client.setData("/raw/woken", data, -1);
    else await client.multi(asCommit("/raw/woken"));
    return begun;
  });
}

/** What a commit of one document asks of the server: it is the same store, nothing was removed meanwhile, the document, and how far the store has come. */
function asCommit(path: string): readonly Op[] {
  return [
    { do: "check", path: "/a", version: 0 },
    { do: "check", path: "/b", version: 0 },
    { do: "set", path, data, version: -1 },
    { do: "set", path: "/c", data: data.subarray(0, 8), version: -1 },
  ];
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
  for (let round = 0; round < warm + rounds(30); round += 1) {
    await prepare();
    const note = (times: number[] | undefined, ms: number) => round >= warm && times?.push(ms);
    note(samples, await timed(() => ours(round)));
    for (const [name, run] of Object.entries(references)) note(others.get(name), await timed(() => run(round)));
  }
  const baselines = Object.fromEntries([...others].map(([name, times]) => [name, median(times)]));
  return { ours: median(samples), baselines, samples };
}
