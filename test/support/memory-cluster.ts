// A cluster on a shared store, without machines: workers whose engine is in memory, each with a connection and a state folder of its own;
// masters in this process or in processes of their own; changes by the real program or by its plans.
import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { commitPlan, knownState, planSelectors } from "../../src/apply/commit.ts";
import { type Plan, planApply } from "../../src/apply/plan.ts";
import { observe } from "../../src/cli/show/observe.ts";
import { podRows } from "../../src/cli/show/rows.ts";
import { type Clock, systemClock } from "../../src/clock.ts";
import { type Log, silentLog } from "../../src/log.ts";
import { validateTemplate } from "../../src/manifest/manifest.ts";
import { type Master, startMaster } from "../../src/master/master.ts";
import type { ClusterDocument } from "../../src/model/cluster.ts";
import type { NodeDocument } from "../../src/model/node.ts";
import { ensureCluster } from "../../src/store/cluster.ts";
import { openStore } from "../../src/store/open-store.ts";
import type { Store } from "../../src/store/store.ts";
import { type MemoryRuntime, openMemory } from "../../src/worker/memory.ts";
import type { HostNetwork } from "../../src/worker/routes.ts";
import { startWorker, type Worker } from "../../src/worker/worker.ts";
import { execute, type Outcome } from "./cluster.ts";
import { eventually } from "./eventually.ts";
import { memoryImages } from "./memory-images.ts";
import { author, wanted } from "./plans.ts";
import type { Ran } from "./running-laws.ts";
import { tempFolder } from "./temp-folder.ts";

const program = fileURLToPath(new URL("../../bin/dev.js", import.meta.url));
/** Many processes on a machine under load. */
const limitMs = 60_000;

export interface RoleOptions {
  /** Of the store, as this role reaches it; absent: the cluster's own. */
  readonly url?: string;
  /** Opens its connection in another way. */
  readonly connect?: () => Promise<Store>;
  readonly clock?: Clock;
  readonly log?: Log;
}

export interface HostOptions extends RoleOptions {
  readonly labels?: Readonly<Record<string, string>>;
  readonly capacity?: NodeDocument["capacity"];
}

export interface MemoryHost {
  readonly name: string;
  readonly runtime: MemoryRuntime;
  /** The connection of the worker that runs now. */
  readonly store: Store;
  /** Pods whose container runs, sorted. */
  running(): Promise<string[]>;
  /** What ran when, since the beginning. */
  ran(): readonly Ran[];
  /** The worker ends, its containers do not; another one starts on the same folder and engine. */
  restart(): Promise<void>;
  /** The worker ends, and its node is away until it comes back. */
  leave(): Promise<void>;
  comeBack(): Promise<void>;
}

export interface MasterProcess {
  readonly name: string;
  /** What it wrote to standard error: its log. */
  log(): string;
  /** The epoch of its last election, as its log tells; 0: none yet. */
  epoch(): number;
  signal(name: "SIGSTOP" | "SIGCONT"): void;
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

/** What a change asks for: the version makes it another template. */
export interface Wish {
  readonly replicas: number;
  readonly version: string;
}

export interface MemoryCluster {
  readonly folder: string;
  readonly cluster: ClusterDocument;
  /** A connection for the test itself. */
  readonly store: Store;
  /** One more, closed when the test ends. */
  open(url?: string): Promise<Store>;
  host(name: string, options?: HostOptions): Promise<MemoryHost>;
  master(options?: RoleOptions & { readonly nodeLostAfterMs?: number }): Promise<Master>;
  /** `orchestra run master`. */
  masterProcess(name: string): Promise<MasterProcess>;
  /** Runs `orchestra` with these words; never throws for an exit code. */
  run(words: readonly string[], url?: string): Promise<Outcome>;
  /** Writes a manifest; returns its path. */
  manifest(name: string, wish: Wish): Promise<string>;
  /** Waits until each Deployment has as many ready pods as wished for, of that version, and nothing else. */
  settled(wishes: ReadonlyMap<string, Wish>): Promise<void>;
}

/** `url` must be reachable. */
export async function memoryCluster(t: TestContext, url: string): Promise<MemoryCluster> {
  const closers: (() => Promise<unknown>)[] = [];
  // Before the folder goes: who is at work would write there again.
  t.after(async () => {
    for (const close of closers.reverse()) await close();
  });
  const folder = await tempFolder(t);
  const open = async (at = url, patient = false, connect?: () => Promise<Store>) => {
    const store = await (connect?.() ?? openStore(at, { create: true, patient, own: {} }));
    closers.push(() => store.close());
    return store;
  };
  const store = await open();
  const cluster = await ensureCluster(store, { now: systemClock.wall() });
  const environment = (name: string, at = url) => ({
    ...process.env,
    ORCHESTRA_STATE_DIR: join(folder, name),
    ORCHESTRA_CACHE_DIR: join(folder, "cache"),
    ORCHESTRA_STORE: at,
    ORCHESTRA_NODE: name,
    // Nothing of this test moves because a machine under load is late.
    ORCHESTRA_NODE_LOST_AFTER: "10m",
  });

  return {
    folder,
    cluster,
    store,
    open: (at) => open(at),
    async host(name, options = {}) {
      const { url: at, clock = systemClock } = options;
      const runtime = openMemory(memoryImages, clock, options.capacity);
      const stateDir = join(folder, name);
      const start = async () => {
        const connection = await open(at, true, options.connect);
        return {
          connection,
          worker: await startMemoryWorker(connection, { name, runtime, stateDir, cluster, options }),
        };
      };
      const ran: Ran[] = [];
      const running = async () => {
        const all = await runtime.list(new AbortController().signal);
        return all.flatMap(({ pod, state }) => (state === "running" ? [pod] : [])).sort();
      };
      const watching = new AbortController();
      const note = () => {
        const atMs = Date.now();
        void running()
          .catch(() => [])
          .then((pods) => ran.push({ atMs, host: name, pods }));
      };
      void runtime.watch(note, watching.signal);
      closers.push(async () => watching.abort());
      let now = await start();
      let isAway = false;
      const leave = async () => {
        if (isAway) return;
        isAway = true;
        await now.worker.close();
        await now.connection.close();
      };
      const comeBack = async () => {
        if (isAway) now = await start();
        isAway = false;
      };
      closers.push(leave);
      return {
        name,
        runtime,
        get store() {
          return now.connection;
        },
        running,
        ran: () => ran,
        async restart() {
          await leave();
          await comeBack();
        },
        leave,
        comeBack,
      };
    },
    async master({ url: at, connect, clock = systemClock, log = silentLog, nodeLostAfterMs = 600_000 } = {}) {
      const stateDir = join(folder, `master-${randomBytes(3).toString("hex")}`);
      const master = startMaster({ store: await open(at, false, connect), stateDir, nodeLostAfterMs, clock, log });
      closers.push(() => master.close());
      return master;
    },
    async masterProcess(name) {
      const child = spawn(process.execPath, [program, "run", "master"], {
        env: environment(name),
        stdio: ["ignore", "ignore", "pipe"],
      });
      const process_ = followMaster(name, child);
      closers.push(() => process_.end("SIGKILL"));
      await eventually(`${name} serves`, () => process_.log().includes("orchestra runs master"), limitMs);
      return process_;
    },
    run: (words, at) => execute(process.execPath, [program, ...words], environment("cli", at)),
    async manifest(name, { replicas, version }) {
      const path = join(folder, `${name}-${version}.yaml`);
      const spec = `{ replicas: ${replicas}, image: "orchestra-demo:1", env: { VERSION: "${version}" }, stop: { graceSeconds: 0, drainSeconds: 0 } }`;
      await writeFile(path, `apiVersion: orchestra/v1\nkind: Deployment\nmetadata: { name: ${name} }\nspec: ${spec}\n`);
      return path;
    },
    async settled(wishes) {
      let last = "";
      const look = async () => {
        const { state, ...others } = await observe(store);
        const rows = podRows({ state, ...others });
        last = JSON.stringify(
          rows.map(({ name, id, phase, revision, reason }) => ({ name, id, phase, revision, reason })),
        );
        return [...wishes].every(([name, { replicas, version }]) => {
          const pods = rows.filter(({ deployment }) => deployment === name);
          const isWanted = ({ revision }: { revision: string }) =>
            state.templates.get(`${name}/${revision}`)?.env?.["VERSION"] === version;
          return pods.length === replicas && pods.every((pod) => pod.ready && isWanted(pod));
        });
      };
      // While the store is out of reach nothing is known.
      const calm = () => look().catch(() => false);
      await eventually(`${JSON.stringify([...wishes])} is true`, calm, limitMs).catch((error: Error) => {
        throw new Error(`${error.message}; last: ${last}`);
      });
    },
  };
}

/** Applies as the program does, by its own plan. Throws what it throws. */
export async function applyWish(store: Store, name: string, { replicas, version }: Wish, by: string): Promise<Plan> {
  const wish = wanted(name, {
    replicas,
    template: {
      image: "orchestra-demo:1",
      env: { VERSION: version },
      stop: { graceSeconds: 0, drainSeconds: 0 },
    },
  });
  const plan = (state: Parameters<typeof planApply>[0]) => planApply(state, [wish], author(by, systemClock.wall()));
  return commitPlan(store, plan(knownState(await store.list(planSelectors))), plan);
}

interface MemoryWorker {
  readonly name: string;
  readonly runtime: MemoryRuntime;
  readonly stateDir: string;
  readonly cluster: ClusterDocument;
  readonly options: HostOptions;
}

function startMemoryWorker(store: Store, { name, runtime, stateDir, cluster, options }: MemoryWorker): Promise<Worker> {
  const { clock = systemClock, log = silentLog, labels = {} } = options;
  return startWorker({
    store,
    runtime,
    host: noHost,
    clock,
    log,
    facts: { node: name, key: `key-${name}`, address: "127.0.0.1", hostname: name, labels, version: "0.1.0" },
    cluster,
    stateDir,
    validateTemplate,
  });
}

/** Engines in memory lead nowhere. */
const noHost: HostNetwork = {
  taken: async () => [],
  look: async () => ({ routes: [], rules: {} }),
  perform: async () => {},
};

function followMaster(name: string, child: ChildProcess): MasterProcess {
  const gone = once(child, "close");
  let log = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  return {
    name,
    log: () => log,
    epoch() {
      const last = log.split("\n").findLast((line) => line.includes('"master leads"'));
      return last === undefined ? 0 : Number(/"epoch":(\d+)/.exec(last)?.[1]);
    },
    signal: (word) => void child.kill(word),
    async end(word) {
      child.kill(word);
      await gone;
    },
  };
}
