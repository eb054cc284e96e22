// A process that outlives the one that started it: noted in a file, and recognised later even when its pid was given to another.
// Reads /proc; writes the files it is told to.
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Pids are used again; a pid with its start, counted in ticks since a certain boot, is not. */
export interface ProcessRecord {
  readonly pid: number;
  readonly start: string;
}

/** The process that has this pid now; undefined when none has, or when it has ended and only waits to be collected. */
export function processOf(pid: number): ProcessRecord | undefined {
  try {
    // The name in brackets may hold spaces and brackets itself; what follows the last bracket does not.
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    if (fields[0] === "Z" || fields[0] === "X") return undefined;
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return { pid, start: `${boot}/${fields[19]}` };
  } catch {
    return undefined;
  }
}

/** Whether that very process still runs. */
export function isRunning(record: ProcessRecord): boolean {
  return processOf(record.pid)?.start === record.start;
}

/** Sends a signal to that very process; false when it is gone. Throws what the kernel says when we may not. */
export function signalProcess(record: ProcessRecord, signal: NodeJS.Signals): boolean {
  if (!isRunning(record)) return false;
  try {
    return process.kill(record.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ESRCH") return false;
    throw error;
  }
}

/** A record as it was written, or undefined when the file is absent or not one of ours. */
export function readProcessRecord<T extends ProcessRecord>(path: string): T | undefined {
  try {
    const value = JSON.parse(readFileSync(path, "utf8")) as Partial<T> | null;
    return Number.isSafeInteger(value?.pid) && typeof value?.start === "string" ? (value as T) : undefined;
  } catch {
    return undefined;
  }
}

/** Replaced as a whole: a reader sees the old record or the new one. */
export function writeProcessRecord(path: string, record: ProcessRecord): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(record)}\n`, { mode: 0o600 });
  renameSync(temporary, path);
}

/** Removes the record, unless another process has written its own meanwhile. */
export function removeProcessRecord(path: string, record: ProcessRecord): void {
  const noted = readProcessRecord(path);
  if (noted?.pid === record.pid && noted.start === record.start) rmSync(path, { force: true });
}
