// A sync of the benchmark's own: the real command as a process, on a folder and an embedded store that are gone when it ends.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ensureCluster } from "../src/store/cluster.ts";
import { openStore } from "../src/store/open-store.ts";
import type { Store, View } from "../src/store/store.ts";
import { benchFolder, ending } from "./bench-ending.ts";
import { program } from "./bench-orchestra.ts";

export interface BenchSync {
  readonly pid: number;
  readonly store: Store;
  /** What is stored, as it changes. */
  readonly view: View;
  /** Resolves as soon as it holds. */
  until(holds: () => boolean): Promise<void>;
  /** Its own figures: how many passes there were, and how long all of them took. */
  passes(): Promise<{ readonly count: number; readonly ms: number }>;
  close(): Promise<void>;
}

/** Where so many manifests lie, a hundred in each folder. */
export interface ManifestFolder {
  readonly path: string;
  /** As an editor saves: a new file takes the place of the old one. */
  save(index: number, version: string): Promise<void>;
}

/** Nothing is to run where there is no worker: no replicas. */
export function manifestOf(name: string, version: string, replicas = 0): string {
  return `apiVersion: orchestra/v1
kind: Deployment
metadata: { name: ${name} }
spec: { replicas: ${replicas}, image: "orchestra-demo:1", env: { VERSION: "${version}" } }
`;
}

export async function writeManifests(root: string, count: number): Promise<ManifestFolder> {
  const folderOf = (index: number) => join(root, `team-${Math.floor(index / 100)}`);
  const save = async (index: number, version: string) => {
    const draft = join(folderOf(index), `.d${index}.draft`);
    await writeFile(draft, manifestOf(`d${index}`, version));
    await rename(draft, join(folderOf(index), `d${index}.yaml`));
  };
  for (let index = 0; index < count; index += 1) {
    if (index % 100 === 0) await mkdir(folderOf(index), { recursive: true });
    await save(index, "0");
  }
  return { path: root, save };
}

/** Starts `orchestra sync` on this folder. `environment` names the store of others; absent: one of its own. */
export async function startBenchSync(folder: string, environment?: NodeJS.ProcessEnv): Promise<BenchSync> {
  const { folder: state, remove } = await benchFolder();
  const url = environment?.["ORCHESTRA_STORE"] ?? `file:${join(state, "store.db")}`;
  const store = await openStore(url, { create: true });
  await ensureCluster(store, { now: new Date().toISOString() });
  const env = {
    ...process.env,
    ORCHESTRA_STORE: url,
    ORCHESTRA_STATE_DIR: state,
    ORCHESTRA_CACHE_DIR: join(state, "cache"),
  };
  const limits = ["--max-affected", "100000", "--max-replace", "100000"];
  const child = spawn(process.execPath, [program, "sync", folder, "--listen", "127.0.0.1:0", ...limits], {
    env,
    stdio: ["ignore", "ignore", "pipe"],
  });
  let log = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    log += text;
  });
  const ended = once(child, "exit");
  const view = await store.view(["deployments"]);
  const close = ending(async () => {
    child.kill("SIGTERM");
    await ended;
    view.close();
    await store.close();
    await remove();
  });
  return {
    pid: child.pid ?? 0,
    store,
    view,
    close,
    async passes() {
      const url = /"url":"(http:[^"]+)"/.exec(log)?.[1];
      const text = await (await fetch(`${url}/metrics`)).text();
      const figure = (name: string) =>
        Number(new RegExp(`^orchestra_sync_${name}\\{.*\\} (\\S+)$`, "m").exec(text)?.[1]);
      return { count: figure("passes_total"), ms: figure("pass_seconds_total") * 1_000 };
    },
    until(holds) {
      return new Promise((resolve) => {
        const look = () => {
          if (!holds()) return;
          unsubscribe();
          resolve();
        };
        const unsubscribe = view.onChange(look);
        look();
      });
    },
  };
}
