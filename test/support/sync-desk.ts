// `orchestra sync` and `up` at a desk of their own: the real program on a folder, a store and a state of the test's, without an engine.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import type { SyncStatusDocument } from "../../src/cli/sync/sync-text.ts";
import { execute, type Outcome } from "./cluster.ts";
import { eventually } from "./eventually.ts";
import { tempFolder } from "./temp-folder.ts";

const program = fileURLToPath(new URL("../../bin/dev.js", import.meta.url));
/** Starting the program several times on a machine under load. */
export const limitMs = 60_000;

type SyncShown = SyncStatusDocument["syncs"][number];

export interface SyncDesk {
  /** The folder to follow, which is empty. */
  readonly folder: string;
  readonly stateDir: string;
  /** Runs `orchestra` with these words; never throws for an exit code. An `up` in the background ends with the test. */
  run(...words: string[]): Promise<Outcome>;
  /** Writes a file into the folder. */
  write(name: string, text: string): Promise<void>;
  /** Does not wait. Killed when the test ends. */
  start(...words: string[]): { readonly child: ChildProcess; log(): string };
  /** Waits until `sync status` shows the first sync so. */
  status(what: string, is: (sync: SyncShown) => unknown): Promise<SyncShown>;
}

export async function syncDesk(t: TestContext, settings: NodeJS.ProcessEnv = {}): Promise<SyncDesk> {
  let isUp = false;
  const children: ChildProcess[] = [];
  // Before the folder goes: in it is noted what runs in the background, and whoever runs still would write there again.
  t.after(async () => {
    for (const child of children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill("SIGKILL");
      await once(child, "exit");
    }
    if (isUp) await run("down");
  });
  const root = await tempFolder(t);
  const folder = join(root, "manifests");
  const stateDir = join(root, "state");
  await mkdir(folder);
  const env = {
    ...process.env,
    ORCHESTRA_NODE: "lab",
    ORCHESTRA_STATE_DIR: stateDir,
    ORCHESTRA_CACHE_DIR: join(root, "cache"),
    ORCHESTRA_STORE: `file:${join(root, "store.db")}`,
    ORCHESTRA_DNS_PORT: String(30_000 + (process.pid % 20_000)),
    DOCKER_HOST: `unix://${join(root, "none.sock")}`,
    ...settings,
  };
  const run = (...words: string[]) => {
    isUp ||= words[0] === "up";
    return execute(process.execPath, [program, ...words], env);
  };
  return {
    folder,
    stateDir,
    run,
    write: (name: string, text: string) => writeFile(join(folder, name), text),
    start(...words) {
      isUp ||= words[0] === "up";
      const child = spawn(process.execPath, [program, ...words], {
        env,
        stdio: ["ignore", "ignore", "pipe"],
      });
      children.push(child);
      let log = "";
      child.stderr.setEncoding("utf8").on("data", (text: string) => {
        log += text;
      });
      return { child, log: () => log };
    },
    status(what, is) {
      return eventually(
        what,
        async () => {
          const { code, stdout } = await run("sync", "status", "-o", "json");
          const [sync] = code === 0 ? JSON.parse(stdout).syncs : [];
          return sync !== undefined && is(sync) ? sync : undefined;
        },
        limitMs,
      );
    },
  };
}
