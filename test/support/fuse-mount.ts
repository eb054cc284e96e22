// A folder shown at another place by a FUSE daemon of our own (`fuse-daemon.ts`): a mount that hangs, breaks or is slow when a test says so.
import assert from "node:assert/strict";
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
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
  /** From now on nothing there is answered, until it goes on. */
  hang(): Promise<void>;
  goOn(): Promise<void>;
  /** As if it had never been there. */
  unmount(): Promise<void>;
}

/** To be called in front of what makes the folders: they are removed after it, and without its daemon the mount keeps nobody waiting. */
export function fuseMount(t: Test): FuseMount {
  let [daemon, at, said]: [ChildProcess | undefined, string, string] = [undefined, "", ""];
  const hangsFile = () => `${at}.hangs`;
  const unmount = async () => {
    daemon?.kill("SIGKILL");
    await run("umount", ["-l", at]);
  };
  t.after(() => unmount().catch(() => {}));
  return {
    async mount(behind, place, delayMs = 0) {
      at = place;
      const words = [daemonProgram, behind, at, String(delayMs), hangsFile()];
      daemon = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
      const ended = once(daemon, "exit").then(() => assert.fail("the daemon has ended"));
      daemon.stdout?.setEncoding("utf8").on("data", (text: string) => {
        said += text;
      });
      await Promise.race([eventually("it is mounted", () => said.includes("mounted\n")), ended]);
      return daemon;
    },
    async hang() {
      await writeFile(hangsFile(), "");
      // It looks for the file after each answer; this question is answered, or stays in the queue.
      const question = spawn("stat", ["-f", at], { stdio: "ignore" });
      await eventually("it hangs", () => said.includes("hangs\n"));
      question.kill("SIGKILL");
      said = "";
    },
    goOn: () => rm(hangsFile()),
    unmount,
  };
}
