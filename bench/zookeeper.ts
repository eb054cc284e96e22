// Our ZooKeeper client beside npm's `zookeeper`, which wraps the C client: each in a process of its own, in turns, on one server.
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { openAcl } from "../src/zookeeper/records.ts";
import { connectZooKeeper } from "../src/zookeeper/zookeeper.ts";
import { npmClientMissing } from "../test/interop/peers.ts";
import { median, report, rounds, timed } from "./bench-measure.ts";
import { inFlight, obey, pipelined, startBenchProcess, startBenchServer } from "./bench-zookeeper.ts";

const nodes = 1_000;
const operations = 10_000;
const data = Buffer.alloc(300, "x");

/** What is measured, as each client does it. */
interface Subject {
  create(path: string): Promise<unknown>;
  set(path: string): Promise<unknown>;
  get(path: string): Promise<unknown>;
  /** Absent where the client has no transactions. */
  multi?(paths: readonly string[]): Promise<unknown>;
}

const file = fileURLToPath(import.meta.url);
const [, , role, servers = ""] = process.argv;
if (role === "ours") await work(role, await ourClient(servers));
else if (role === "theirs") await work(role, await npmClient(servers));
else await main();

async function main(): Promise<void> {
  const missing = await npmClientMissing();
  if (missing !== undefined) throw new Error(`npm's zookeeper is what we are measured by: ${missing}`);
  const server = await startBenchServer();
  try {
    const ours = await startBenchProcess(file, ["ours", server.connect]);
    const theirs = await startBenchProcess(file, ["theirs", server.connect]);
    const each = `${operations.toLocaleString("en")} times, ${inFlight} in flight`;
    const rows = [
      ["set", `set of 300 B, ${each}`, "npm zookeeper"],
      ["get", `get of 300 B, ${each}`, "npm zookeeper"],
      ["multi", "multi of 1,000 creates", `npm zookeeper, which has no multi: 1,000 creates, ${inFlight} in flight`],
    ] as const;
    for (const [order, what, baseline] of rows) {
      const samples: number[] = [];
      const references: number[] = [];
      // The first rounds compile, and are not counted.
      for (let round = -2; round < rounds(10); round += 1) {
        const [mine, other] = [await ours.ask(order), await theirs.ask(order)];
        if (round < 0) continue;
        samples.push(mine);
        references.push(other);
      }
      const baselines = { [baseline]: median(references) };
      report({ what, unit: "ms", ours: median(samples), baselines, target: { baseline, atMost: 0.5 }, samples });
    }
    await ours.end();
    await theirs.end();
  } finally {
    await server.close();
  }
}

async function work(name: string, subject: Subject): Promise<void> {
  const path = (index: number) => `/${name}/${index % nodes}`;
  await subject.create(`/${name}`);
  await pipelined(nodes, (index) => subject.create(path(index)));
  let round = 0;
  obey((order) => {
    if (order === "set") return timed(() => pipelined(operations, (index) => subject.set(path(index))));
    if (order === "get") return timed(() => pipelined(operations, (index) => subject.get(path(index))));
    round += 1;
    const paths = Array.from({ length: nodes }, (_, index) => `/${name}/multi-${round}-${index}`);
    return timed(() => subject.multi?.(paths) ?? pipelined(nodes, (index) => subject.create(paths[index] ?? "")));
  });
}

async function ourClient(connect: string): Promise<Subject> {
  const [host = "", port] = connect.split(":");
  const client = connectZooKeeper({ servers: [{ host, port: Number(port) }] });
  await client.ready;
  const create = (path: string) => ({ path, data, mode: "persistent", acl: openAcl }) as const;
  return {
    create: (path) => client.create(path, data, create(path)),
    set: (path) => client.setData(path, data, -1),
    get: (path) => client.getData(path),
    multi: (paths) => client.multi(paths.map((path) => ({ do: "create", ...create(path) }))),
  };
}

interface NpmClient {
  init(config: { connect: string; timeout: number; debug_level: number }): void;
  once(event: "connect", listener: () => void): void;
  create(path: string, data: Buffer, flags: number): Promise<string>;
  set(path: string, data: Buffer, version: number): Promise<unknown>;
  get(path: string, watch: boolean): Promise<unknown>;
}

async function npmClient(connect: string): Promise<Subject> {
  const Client = createRequire(new URL("../test/interop/package.json", import.meta.url))(
    "zookeeper",
  ) as new () => NpmClient;
  const client = new Client();
  await new Promise<void>((resolve) => {
    client.once("connect", resolve);
    client.init({ connect, timeout: 10_000, debug_level: 0 });
  });
  return {
    create: (path) => client.create(path, data, 0),
    set: (path) => client.set(path, data, -1),
    get: (path) => client.get(path, false),
  };
}
