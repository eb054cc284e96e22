// Our side of the benchmarks: the program as it is installed (the bundle), on a store and state folder of its own, on the engine given.
import { execFile, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { commitPlan, knownState, planSelectors } from "../src/apply/commit.ts";
import { type KnownState, type Plan, planApply, planDelete } from "../src/apply/plan.ts";
import { specFromFlags } from "../src/manifest/manifest.ts";
import { statusesKey } from "../src/model/keys.ts";
import type { PodStatus } from "../src/model/pod.ts";
import { openStore } from "../src/store/open-store.ts";
import type { Store, View } from "../src/store/store.ts";
import { ending } from "./bench-ending.ts";
import type { BenchEngine } from "./bench-engine.ts";

const run = promisify(execFile);
export const program = fileURLToPath(new URL("../bin/run.js", import.meta.url));
const node = "bench";
const author = { by: "bench", at: "2026-01-01T00:00:00.000Z", source: "cli" };

export interface BenchOrchestra {
  readonly environment: NodeJS.ProcessEnv;
  readonly store: Store;
  /** Runs the command line; gives what it printed. Throws unless it exits with 0. */
  cli(...words: readonly string[]): Promise<string>;
  /** Plans and commits so many replicas in this process, and gives when the commit was done (performance.now()). */
  commit(name: string, replicas: number, image?: string): Promise<number>;
  /** Commits the end of a Deployment in this process, and gives when the commit was done. */
  commitEnd(name: string): Promise<number>;
  /** Resolves as soon as the worker has reported what `holds` of all its pods. */
  until(holds: (statuses: readonly PodStatus[]) => boolean): Promise<void>;
  /** The container ids that the worker reports. */
  statuses(): readonly PodStatus[];
  close(): Promise<void>;
}

function newUid(): string {
  return randomBytes(8).toString("hex");
}

/** Starts `orchestra up --detach` on the engine. */
export async function startBenchOrchestra(engine: BenchEngine, thirdByte: number): Promise<BenchOrchestra> {
  const environment = environmentFor(engine, thirdByte);
  const cli = async (...words: readonly string[]) =>
    (await run(process.execPath, [program, ...words], { env: environment, maxBuffer: 64 * 1024 * 1024 })).stdout;
  const starting = cli("up", "--detach");
  const end = ending(async () => {
    // One that is just being started could not be stopped yet.
    await starting.catch(() => {});
    spawnSync(process.execPath, [program, "down", "--pods"], { env: environment, stdio: "ignore" });
  });
  await starting;
  const store = await openStore(environment.ORCHESTRA_STORE, { create: false });
  const view: View = await store.view([statusesKey(node)]);
  const commit = async (plan: (state: KnownState) => Plan) => {
    await commitPlan(store, plan(knownState(await store.list(planSelectors))), plan);
    return performance.now();
  };
  const statuses = () => view.snapshot().get(statusesKey(node))?.value.statuses ?? [];
  return {
    environment,
    store,
    cli,
    statuses,
    commit(name, replicas, image = "orchestra-demo:1") {
      const wanted = specFromFlags({ name, image, replicas });
      return commit((state) => planApply(state, [wanted], { ...author, newUid }));
    },
    commitEnd: (name) => commit((state) => planDelete(state, [name], false, { ...author, newUid })),
    until(holds) {
      return new Promise((resolve) => {
        const look = () => {
          if (!holds(statuses())) return;
          unsubscribe();
          resolve();
        };
        const unsubscribe = view.onChange(look);
        look();
      });
    },
    async close() {
      view.close();
      await store.close();
      await end();
    },
  };
}

function environmentFor({ folder, socket }: BenchEngine, thirdByte: number) {
  const stateDir = join(folder, "state");
  return {
    ...process.env,
    ORCHESTRA_STATE_DIR: stateDir,
    ORCHESTRA_CACHE_DIR: join(folder, "cache"),
    ORCHESTRA_STORE: `file:${join(stateDir, "store.db")}`,
    ORCHESTRA_NETWORK_RANGE: `10.203.${thirdByte}.0/24`,
    ORCHESTRA_NODE: node,
    ORCHESTRA_DNS_PORT: String(20_000 + (process.pid % 10_000)),
    DOCKER_HOST: `unix://${socket}`,
  };
}
