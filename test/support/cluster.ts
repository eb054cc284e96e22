// A whole orchestra of a test's own: the real program on a store, state folder, ports and network range of its own, real Docker, real CoreDNS.
// Everything it starts is ended by id when the test ends, however it ends.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { Resolver } from "node:dns/promises";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { observe } from "../../src/cli/show/observe.ts";
import { type PodRow, podRows } from "../../src/cli/show/rows.ts";
import { readProcessRecord } from "../../src/process-record.ts";
import { clusterFolder, clustersIn, type RolesRecord, upRecordPath, upRecordsOf } from "../../src/state-folder.ts";
import { absoluteUrl, openStore } from "../../src/store/open-store.ts";
import { eventually } from "./eventually.ts";
import { freePort } from "./free-port.ts";

const program = fileURLToPath(new URL("../../bin/dev.js", import.meta.url));
/** A machine under load, and an engine that other tests use too. */
const startLimitMs = 60_000;

/** What `node:test` hands to a test, as far as it is needed here. */
export interface Test {
  after(clean: () => Promise<void>): void;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface TestCluster {
  readonly folder: string;
  readonly storePath: string;
  /** What makes a process belong to this cluster. */
  readonly environment: NodeJS.ProcessEnv;
  /** Runs `orchestra` with these words; never throws for an exit code. */
  run(...words: readonly string[]): Promise<Outcome>;
  /** The same, and throws unless it exits with 0; returns what it printed. */
  ok(...words: readonly string[]): Promise<string>;
  /** Starts `orchestra` and leaves it running. */
  start(...words: readonly string[]): ChildProcess;
  /** Starts `up` in the foreground, as a supervisor would, and resolves when it serves. */
  up(): Promise<UpProcess>;
  /** From now on everything looks at this store, as after `export ORCHESTRA_STORE=…`. */
  useStore(url: string): void;
  /** Of the last `up`. */
  record(): RolesRecord;
  /** Writes a manifest into the test's folder; returns its path. */
  write(name: string, text: string): Promise<string>;
  /** The names of our containers, of those that have ended too. */
  containers(): Promise<string[]>;
  /** As `get pods -o json` has them, read in this process. */
  pods(deployment?: string): Promise<PodRow[]>;
  /** Resolves with the pods of a Deployment when so many are ready and there are no others. */
  ready(deployment: string, count: number, limitMs?: number): Promise<PodRow[]>;
  /** What CoreDNS answers on this machine, sorted; none: []. */
  resolve(name: string): Promise<string[]>;
}

export interface UpProcess {
  readonly pid: number;
  /** What it wrote to standard error: its log. */
  log(): string;
  /** Resolves when the process has ended. */
  end(signal: "SIGTERM" | "SIGINT" | "SIGKILL"): Promise<void>;
}

export interface ClusterOptions {
  /** Of the environment, besides what makes the cluster the test's own. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where the store's file is; absent: in the test's folder. */
  readonly storePath?: string;
  /** Words that a command line begins with to be where the engine is: `nsenter --net=…`. */
  readonly enter?: readonly string[];
}

export async function testCluster(
  test: Test,
  { env = {}, storePath, enter = [] }: ClusterOptions = {},
): Promise<TestCluster> {
  const folder = await mkdtemp(join(tmpdir(), "orchestra-e2e-"));
  const path = storePath ?? join(folder, "state", "store.db");
  let store = `file:${path}`;
  const stateDir = join(folder, "state");
  const dnsPort = await freePort();
  const environment: NodeJS.ProcessEnv = {
    ...process.env,
    ORCHESTRA_STATE_DIR: stateDir,
    ORCHESTRA_CACHE_DIR: join(folder, "cache"),
    ORCHESTRA_STORE: store,
    ORCHESTRA_NETWORK_RANGE: ownRange(),
    ORCHESTRA_DNS_PORT: String(dnsPort),
    ORCHESTRA_NODE: `e2e-${randomBytes(3).toString("hex")}`,
    ...env,
  };
  const children = new Set<ChildProcess>();
  const record = () => {
    const found = upRecordsOf(stateDir, store).at(-1);
    if (!found) throw new Error(`no orchestra was started in ${stateDir}`);
    return found;
  };
  const start = (...words: readonly string[]) => {
    const [file = "", ...line] = [...enter, process.execPath, program, ...words];
    const child = spawn(file, line, { env: environment, stdio: ["ignore", "pipe", "pipe"] });
    children.add(child);
    child.once("exit", () => children.delete(child));
    return child;
  };
  const pods = async (deployment?: string) => {
    const opened = await openStore(store, { create: false });
    try {
      const rows = podRows(await observe(opened));
      return deployment === undefined ? rows : rows.filter((row) => row.deployment === deployment);
    } finally {
      await opened.close();
    }
  };
  const run = (...words: readonly string[]) => execute(process.execPath, [program, ...words], environment);

  test.after(async () => {
    for (const child of children) child.kill("SIGKILL");
    // A cluster may have moved away from its store, and the store may be gone.
    for (const cluster of clustersIn(stateDir)) {
      const last = readProcessRecord<RolesRecord>(upRecordPath(stateDir, cluster));
      if (last) await run("down", "--store", last.store);
      if (last) await removeFromEngine(cluster, environment);
    }
    await rm(folder, { recursive: true, force: true });
  });

  return {
    folder,
    storePath: path,
    useStore(url) {
      store = absoluteUrl(url);
      environment["ORCHESTRA_STORE"] = store;
    },
    environment,
    run,
    start,
    record,
    async ok(...words) {
      const { code, stdout, stderr } = await run(...words);
      if (code !== 0) throw new Error(`orchestra ${words.join(" ")} ended with ${code}:\n${stdout}${stderr}`);
      return stdout;
    },
    up: () => startUp(start("up")),
    async write(name, text) {
      const path = join(folder, name);
      await writeFile(path, text);
      return path;
    },
    async containers() {
      const filter = `label=orchestra.cluster=${record().cluster}`;
      return linesOf(await docker(environment, "ps", "--all", "--filter", filter, "--format", "{{.Names}}"));
    },
    pods,
    async ready(deployment, count, limitMs = startLimitMs) {
      let last: PodRow[] = [];
      const look = async () => {
        last = await pods(deployment);
        return last.length === count && last.every((pod) => pod.ready) ? last : undefined;
      };
      return eventually(`${count} pods of ${deployment} are ready`, look, limitMs).catch((error: Error) => {
        const others = last
          .filter((pod) => !pod.ready)
          .map(({ id, name, phase, reason }) => ({ name, id, phase, reason }));
        throw new Error(`${error.message}; of ${last.length} these are not: ${JSON.stringify(others, undefined, 1)}`);
      });
    },
    async resolve(name) {
      const resolver = new Resolver({ timeout: 2_000, tries: 1 });
      resolver.setServers([`127.0.0.1:${dnsPort}`]);
      try {
        return (await resolver.resolve4(name)).sort();
      } catch (error) {
        if (["ENOTFOUND", "ENODATA"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
        throw error;
      }
    },
  };
}

/** The folder in which an `up` keeps what belongs to its cluster. */
export function folderOf(cluster: TestCluster): string {
  return clusterFolder(join(cluster.folder, "state"), cluster.record().cluster);
}

async function startUp(child: ChildProcess): Promise<UpProcess> {
  let log = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const ended = once(child, "exit");
  await eventually(
    "orchestra up serves",
    () => {
      if (child.exitCode !== null) throw new Error(`orchestra up ended with ${child.exitCode}:\n${log}`);
      return log.includes("orchestra is up as node");
    },
    startLimitMs,
  );
  return {
    pid: child.pid ?? 0,
    log: () => log,
    async end(signal) {
      child.kill(signal);
      await ended;
    },
  };
}

/** Runs a program to its end. */
export function execute(
  file: string,
  words: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  cwd = process.cwd(),
): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(file, words, { cwd, env, encoding: "utf8", maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === "number" ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}

/** The docker command, for looking at the engine from outside of the program under test. */
export async function docker(env: NodeJS.ProcessEnv, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await execute("docker", words, env);
  if (code !== 0) throw new Error(`docker ${words.join(" ")}: ${stderr}`);
  return stdout.trim();
}

async function removeFromEngine(cluster: string, env: NodeJS.ProcessEnv): Promise<void> {
  // A test may have named an engine that is not there, or have ended its own.
  if ((await execute("docker", ["version"], env)).code !== 0) return;
  const filter = ["--filter", `label=orchestra.cluster=${cluster}`];
  const begun = performance.now();
  // An engine finishes what a killed process asked of it: a container may appear, or be attached to the network, after it was listed.
  await eventually(`nothing is left of cluster ${cluster}`, async () => {
    const containers = linesOf(await docker(env, "ps", "-aq", ...filter));
    if (containers.length > 0) await execute("docker", ["rm", "-fv", ...containers], env);
    const networks = linesOf(await docker(env, "network", "ls", "-q", ...filter));
    const { code, stderr } =
      networks.length === 0 ? { code: 0, stderr: "" } : await execute("docker", ["network", "rm", ...networks], env);
    const isLeaked = performance.now() - begun > leakedAfterMs && /has active endpoints/.test(stderr);
    return containers.length === 0 && (code === 0 || isLeaked) ? true : undefined;
  });
}

/** Docker 20.10 keeps an endpoint for ever whose container's start was broken off by a killed client: its network goes with the engine only. */
const leakedAfterMs = 5_000;

function linesOf(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .sort();
}

/** A range that no other test run is likely to have; if two meet, each node still takes a free part of it. */
function ownRange(): string {
  return `10.${64 + Math.floor(Math.random() * 128)}.0.0/16`;
}
