// One CoreDNS as a process: found, started detached, noted, stopped. It outlives the `up` that started it.
import { spawn } from "node:child_process";
import { constants } from "node:fs";
import { access, open, readFile, stat } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { messageOf, OrchestraError } from "../model/errors.ts";
import { shellWord } from "../model/shell-word.ts";
import {
  isRunning,
  type ProcessRecord,
  processOf,
  readProcessRecord,
  removeProcessRecord,
  signalProcess,
  writeProcessRecord,
} from "../process-record.ts";
import { type EngineAddress, lastLineOf, pullImage, removeContainer, startContainer } from "./coredns-container.ts";

/** What is known of the CoreDNS that was started last. */
export interface CorednsRecord extends ProcessRecord {
  /** The path of the program, or the image. */
  readonly program: string;
  /** Of program and Corefile: another one means that this process is out of date. */
  readonly fingerprint: string;
  readonly container?: { readonly id: string; readonly engine: EngineAddress };
  readonly gateway: string;
  readonly gatewayPort: number;
  readonly localPort: number;
  /** What the setting said when `localPort` was chosen. Absent in records of earlier releases. */
  readonly localPortAsked?: number;
  readonly healthPort: number;
  readonly readyPort: number;
  readonly startedAt: string;
}

/** A file that can be run, or an image; `stamp` changes when it is replaced by another version. */
export interface Program {
  readonly kind: "file" | "image";
  readonly name: string;
  readonly stamp: string;
}

/** Everything that CoreDNS reads and that we know about it, in one folder. */
export function corednsFiles(stateDir: string) {
  const folder = join(stateDir, "dns");
  return {
    folder,
    zone: join(folder, "cluster.zone"),
    corefile: join(folder, "Corefile"),
    record: join(folder, "coredns.json"),
    log: join(folder, "coredns.log"),
  };
}
export type CorednsFiles = ReturnType<typeof corednsFiles>;

const logBytesLimit = 1 << 20;
const stopLimitMs = 5_000;
const readyLimitMs = 10_000;

/** The first `coredns` in one of these folders, else the image. */
export async function findProgram(folders: readonly string[], image: string): Promise<Program> {
  for (const folder of folders) {
    const name = join(folder, "coredns");
    try {
      await access(name, constants.X_OK);
      const { size, mtimeMs, isFile } = await stat(name).then((found) => ({ ...found, isFile: found.isFile() }));
      if (isFile) return { kind: "file", name, stamp: `${name} ${size} ${mtimeMs}` };
    } catch {
      // Not here: the next folder may have it.
    }
  }
  return { kind: "image", name: image, stamp: image };
}

/** As in PATH, where an empty entry would mean the current folder: such entries are left out. */
export function foldersOf(searchPath: string): string[] {
  return searchPath.split(delimiter).filter((folder) => folder !== "");
}

type Description = Omit<CorednsRecord, "pid" | "start" | "container">;

/** Starts it and notes it; resolves when it answers. `signal` gives up the pull of an image. Throws `unavailable` with its own last words when it does not come up. */
export async function startCoredns(
  files: CorednsFiles,
  program: Program,
  engine: EngineAddress,
  what: Description,
  signal: AbortSignal,
): Promise<CorednsRecord> {
  const logStart = await prepareLog(files.log);
  const record = await (program.kind === "file" ? startFile(files, what) : startImage(files, engine, what, signal));
  if (await becomesReady(record)) return record;
  const said = record.container
    ? await lastLineOf(engine, record.container.id).catch(messageOf)
    : (await readFile(files.log)).subarray(logStart).toString("utf8");
  await endCoredns(record);
  const lastLine = said.trim().split("\n").at(-1) || "it said nothing";
  throw new OrchestraError("unavailable", `CoreDNS (${program.name}) does not start: ${lastLine.slice(0, 300)}`, {
    hint: /permission denied/.test(lastLine)
      ? `port 53 needs the right to it: run as root, or \`sudo setcap cap_net_bind_service=+ep ${shellWord(program.name)}\``
      : `its log is ${files.log}`,
  });
}

async function startFile(files: CorednsFiles, what: Description): Promise<CorednsRecord> {
  const log = await open(files.log, "a", 0o600);
  try {
    const child = spawn(what.program, ["-conf", files.corefile], {
      detached: true,
      cwd: files.folder,
      env: {},
      stdio: ["ignore", log.fd, log.fd],
    });
    // Noted before anything else can happen: if we are killed now, the next `up` must still know it.
    const record = { ...what, ...((child.pid !== undefined && processOf(child.pid)) || endedAtOnce) };
    writeProcessRecord(files.record, record);
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve);
      child.once("error", reject);
    });
    child.unref();
    return record;
  } finally {
    await log.close();
  }
}

async function startImage(
  files: CorednsFiles,
  engine: EngineAddress,
  what: Description,
  signal: AbortSignal,
): Promise<CorednsRecord> {
  await pullImage(engine, what.program, { signal });
  const { id, process } = await startContainer(engine, what.program, files.folder, files.corefile);
  const record = { ...what, ...(process ?? endedAtOnce), container: { id, engine } };
  writeProcessRecord(files.record, record);
  return record;
}

/** No process ever has this pid. */
const endedAtOnce: ProcessRecord = { pid: 0, start: "ended at once" };

async function becomesReady(record: CorednsRecord): Promise<boolean> {
  const deadline = AbortSignal.timeout(readyLimitMs);
  while (!deadline.aborted && isRunning(record)) {
    if (await answers(record.readyPort, "ready")) return true;
    await pause(20);
  }
  return false;
}

/** Whether CoreDNS's own health or readiness check says yes. */
export async function answers(port: number, check: "health" | "ready"): Promise<boolean> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/${check}`, { signal: AbortSignal.timeout(1_000) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

export function readCorednsRecord(files: CorednsFiles): CorednsRecord | undefined {
  return readProcessRecord<CorednsRecord>(files.record);
}

/** Ends that very CoreDNS. Its record stays: gateway and port are still good when the store cannot tell them. Returns whether it ran. */
export async function endCoredns(record: CorednsRecord): Promise<boolean> {
  const ran = isRunning(record);
  if (ran) {
    const deadline = performance.now() + stopLimitMs;
    signalProcess(record, "SIGTERM");
    while (isRunning(record) && performance.now() < deadline) await pause(10);
    signalProcess(record, "SIGKILL");
  }
  if (record.container) await removeContainer(record.container.engine, record.container.id);
  return ran;
}

/** Ends the CoreDNS of this state folder: names do not answer any more. The zone file stays. Returns whether one ran. */
export async function stopCoredns(stateDir: string): Promise<boolean> {
  const files = corednsFiles(stateDir);
  const record = readCorednsRecord(files);
  if (!record) return false;
  const ran = await endCoredns(record);
  removeProcessRecord(files.record, record);
  return ran;
}

/** Old lines go when the log is large. Returns where the lines of the next start begin. */
async function prepareLog(path: string): Promise<number> {
  const file = await open(path, "a", 0o600);
  try {
    const { size } = await file.stat();
    if (size <= logBytesLimit) return size;
    await file.truncate(0);
    return 0;
  } finally {
    await file.close();
  }
}
