// A folder shown at another place by a FUSE daemon of our own (`fuse-daemon.ts`): a mount that hangs, breaks or is slow when a test says so.
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readFileSync, readlinkSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { eventually } from "./eventually.ts";
import { whyNoMount } from "./may-mount.ts";

const run = promisify(execFile);
const daemonProgram = fileURLToPath(new URL("./fuse-daemon.ts", import.meta.url));

/** Why there is no FUSE here; undefined: there is. */
export async function whyNoFuse(): Promise<string | undefined> {
  const why = await whyNoMount();
  if (why !== undefined) return why;
  try {
    closeSync(openSync("/dev/fuse", "r+"));
    return undefined;
  } catch {
    return "there is no FUSE here: /dev/fuse cannot be opened";
  }
}

/** What `node:test` hands to a test, as far as it is needed here. */
interface Test {
  after(clean: () => Promise<void>): void;
}

/** Where something is to be mounted that may not be known yet: asked before the folders of the test are removed. */
export interface FuseMount {
  /** Shows the flat folder `behind` at `at`; each question about a file takes `delayMs`. */
  mount(behind: string, at: string, delayMs?: number): Promise<ChildProcess>;
  /** From now on nothing there is answered, until its daemon is continued. */
  hang(): Promise<void>;
  /** As if it had never been there. */
  unmount(): Promise<void>;
}

/** To be called in front of what makes the folders: they are removed after it, and without its daemon the mount keeps nobody waiting. */
export function fuseMount(t: Test): FuseMount {
  let [daemon, at]: [ChildProcess | undefined, string] = [undefined, ""];
  const unmount = async () => {
    daemon?.kill("SIGKILL");
    await run("umount", ["-l", at]);
  };
  t.after(() => unmount().catch(() => {}));
  return {
    async mount(behind, place, delayMs = 0) {
      at = place;
      const words = [daemonProgram, behind, at, String(delayMs)];
      daemon = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
      assert.ok(daemon.stdout);
      const ended = once(daemon, "exit").then(() => assert.fail("the daemon has ended"));
      const [said] = await Promise.race([once(daemon.stdout, "data"), ended]);
      assert.equal(String(said), "mounted\n");
      return daemon;
    },
    hang: () =>
      // Whoever has put a question that the daemon has taken waits for its answer, and not even SIGKILL ends that; a server that is gone takes none.
      eventually("the daemon stands still, and has nothing to answer", () => {
        daemon?.kill("SIGSTOP");
        const state = daemon && stateOf(daemon);
        if (state === "busy") daemon?.kill("SIGCONT");
        return state === "idle" || undefined;
      }).then(() => {}),
    unmount,
  };
}

/** The number of read(2). */
const readCall = process.arch === "arm64" ? "63" : "0";

/** Undefined: it goes on still. */
function stateOf({ pid }: ChildProcess): "busy" | "idle" | undefined {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  if (!stat.slice(stat.lastIndexOf(")") + 2).startsWith("T")) return undefined;
  const [call, descriptor] = readFileSync(`/proc/${pid}/syscall`, "utf8").split(" ");
  if (call !== readCall) return "busy";
  return readlinkSync(`/proc/${pid}/fd/${Number(descriptor)}`) === "/dev/fuse" ? "idle" : "busy";
}
