// A place to type commands at: the real program on a store, state and cache of the test's own, where nothing runs.
import { join } from "node:path";
import type { TestContext } from "node:test";
import { fileURLToPath } from "node:url";
import { execute, type Outcome } from "./cluster.ts";
import { tempFolder } from "./temp-folder.ts";
import { atTerminal, type Seen, type Typed } from "./terminal.ts";

const program = fileURLToPath(new URL("../../bin/dev.js", import.meta.url));

export interface Desk {
  readonly folder: string;
  readonly storePath: string;
  /** Runs `orchestra` with these words; never throws for an exit code. */
  run(...words: readonly string[]): Promise<Outcome>;
  /** The same of a line for the shell, in which `"$0" "$1"` is `orchestra`. */
  shell(line: string): Promise<Outcome>;
  /** Runs `orchestra` with these words, none of which a shell would change, on a terminal. */
  terminal(words: readonly string[], ...typed: readonly Typed[]): Promise<Seen>;
}

export async function openDesk(t: TestContext, settings: NodeJS.ProcessEnv = {}): Promise<Desk> {
  const folder = await tempFolder(t);
  const storePath = join(folder, "state", "store.db");
  const env = {
    ...process.env,
    ORCHESTRA_STATE_DIR: join(folder, "state"),
    ORCHESTRA_CACHE_DIR: join(folder, "cache"),
    ORCHESTRA_STORE: `file:${storePath}`,
    ...settings,
  };
  return {
    folder,
    storePath,
    run: (...words) => execute(process.execPath, [program, ...words], env),
    shell: (line) => execute("bash", ["-o", "pipefail", "-c", line, process.execPath, program], env),
    terminal: (words, ...typed) => atTerminal(t, [process.execPath, program, ...words].join(" "), env, typed),
  };
}
