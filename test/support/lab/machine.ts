// A machine of a lab: network, processes, mounts and host name of its own. Everything that runs in it ends with its first process, which ends with ours.
import { type ChildProcess, execFile, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { promisify } from "node:util";
import { eventually } from "../eventually.ts";

const run = promisify(execFile);

export interface Machine {
  readonly name: string;
  /** A command line that begins with these words runs in the machine. */
  readonly enter: readonly string[];
  /** In its network only: the process itself is one of ours, with a pid and signals. */
  readonly enterNetwork: readonly string[];
  /** Of its first process. */
  readonly pid: number;
  /** Runs a program in it to its end, and throws unless that is a good one; gives what it printed. */
  run(...words: readonly string[]): Promise<string>;
  /** Starts a program in it. Its own pid, for signals, is what `pidOf` gives. */
  start(words: readonly string[], options: SpawnOptions): ChildProcess;
  /** Every process stands still, containers too. */
  pause(): void;
  resume(): void;
  /** Power off: every process goes, and its network with them. */
  end(): void;
  /** The same, and resolves when they are gone. */
  kill(): Promise<void>;
}

/** The kernel kills what begins with these words when we end, whatever state it is in. */
const endsWithUs = ["setpriv", "--pdeathsig", "KILL"] as const;

/** Needs root. */
export async function startMachine(name: string): Promise<Machine> {
  // The loop collects processes that nobody else waits for, as the first process of a machine has to.
  const script = `hostname ${name}; echo up; while :; do sleep 3600 & wait; done`;
  const namespaces = ["--net", "--pid", "--mount", "--uts", "--fork", "--kill-child", "--mount-proc"];
  const [program = "", ...words] = [...endsWithUs, "unshare", ...namespaces, "sh", "-c", script];
  const outer = spawn(program, words, { stdio: ["ignore", "pipe", "pipe"], detached: true });
  const ended = once(outer, "exit");
  let said = "";
  outer.stderr.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  await Promise.race([once(outer.stdout, "data"), ended]);
  if (outer.exitCode !== null) throw new Error(`the machine ${name} cannot be made: ${said.trim()}`);
  const pid = childrenOf(outer.pid ?? 0)[0];
  if (pid === undefined) throw new Error(`the machine ${name} has no first process`);
  const enter = [...endsWithUs, "nsenter", "--target", String(pid), "--net", "--pid", "--mount", "--uts"];
  const machine: Machine = {
    name,
    enter,
    enterNetwork: ["nsenter", `--net=/proc/${pid}/ns/net`],
    pid,
    async run(...line) {
      const [program = "", ...rest] = [...enter, ...line];
      return (await run(program, rest, { maxBuffer: 64 * 1024 * 1024 })).stdout;
    },
    start(line, options) {
      const [program = "", ...rest] = [...enter, ...line];
      return spawn(program, rest, { detached: true, ...options });
    },
    pause: () => signalAll(pid, "SIGSTOP"),
    resume() {
      const entries = entriesOf(pid);
      signalAll(pid, "SIGCONT");
      for (const entry of entries) signal(entry, "SIGCONT");
    },
    end() {
      if (outer.exitCode !== null || outer.signalCode !== null) return;
      const entries = entriesOf(pid);
      signal(pid, "SIGKILL");
      for (const entry of entries) signal(entry, "SIGCONT");
    },
    async kill() {
      machine.end();
      await ended;
    },
  };
  await machine.run("ip", "link", "set", "lo", "up");
  return machine;
}

/** The process that `nsenter` has started: signals to `nsenter` itself do not reach it. */
export async function pidOf(entered: ChildProcess): Promise<number> {
  const outer = entered.pid ?? 0;
  return eventually("a program in a machine", () => childrenOf(outer)[0]);
}

/** Looked for again until nothing new has been started meanwhile. */
function signalAll(first: number, name: "SIGSTOP" | "SIGCONT"): void {
  const done = new Set<number>([first]);
  for (;;) {
    const found = processesOf(first).filter((pid) => !done.has(pid));
    if (found.length === 0) return;
    for (const pid of found) {
      done.add(pid);
      signal(pid, name);
    }
  }
}

/** Those in the machine's own process namespace, and what they have started, in namespaces of containers. */
function processesOf(first: number): number[] {
  const namespace = namespaceOf(first);
  const all = readdirSync("/proc").map(Number).filter(Boolean);
  const found = all.filter((pid) => namespaceOf(pid) === namespace);
  for (const pid of found) for (const child of childrenOf(pid)) if (!found.includes(child)) found.push(child);
  return found;
}

/** Each `nsenter` into the machine: it stops with the program that it has started, and nobody else would wake it. */
function entriesOf(first: number): number[] {
  const inside = processesOf(first);
  const parents = inside.filter((pid) => pid !== first).map(parentOf);
  return parents.filter((pid) => pid > 1 && !inside.includes(pid));
}

function parentOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return Number(stat.slice(stat.lastIndexOf(")")).split(" ")[2]);
  } catch {
    return 0;
  }
}

function namespaceOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return undefined;
  }
}

function childrenOf(pid: number): number[] {
  try {
    const threads = readdirSync(`/proc/${pid}/task`);
    const lists = threads.map((thread) => readFileSync(`/proc/${pid}/task/${thread}/children`, "utf8"));
    return lists.flatMap((list) => list.split(" ").map(Number).filter(Boolean));
  } catch {
    return [];
  }
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
