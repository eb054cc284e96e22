// What a container says and hears: its log, and commands run in it.
import type { Duplex, Readable } from "node:stream";
import { finished } from "node:stream/promises";
import { setTimeout as pause } from "node:timers/promises";
import type Docker from "dockerode";
import { lineSplitter } from "../json-lines.ts";
import { OrchestraError } from "../model/errors.ts";
import type { Engine } from "./docker-engine.ts";
import { engineError } from "./docker-errors.ts";
import { demultiplex, type Frame } from "./docker-stream.ts";
import type { ExecOptions, LogLine, LogOptions } from "./runtime.ts";

/** The lines of a container's log, in the order in which it wrote them. */
export async function* readLogs(
  engine: Engine,
  container: string,
  options: LogOptions,
  signal: AbortSignal,
): AsyncGenerator<LogLine> {
  const { streams } = await engine.clients();
  const raw = await openLog(streams, container, options, signal);
  const frames = demultiplex();
  raw.on("error", (error) => frames.destroy(error));
  raw.pipe(frames);
  const splitters = { stdout: lineSplitter(), stderr: lineSplitter() };
  try {
    for await (const { stream, data } of frames as AsyncIterable<Frame>) {
      for (const line of splitters[stream].push(data)) yield { stream, line };
    }
  } finally {
    // Who has read enough would leave the connection open.
    raw.destroy();
  }
  for (const stream of ["stdout", "stderr"] as const) {
    for (const line of splitters[stream].end()) yield { stream, line };
  }
}

/** Asked for by hand: the client's own method streams only what it follows, and gathers the whole log otherwise. */
function openLog(docker: Docker, container: string, options: LogOptions, signal: AbortSignal): Promise<Readable> {
  const query = {
    follow: options.follow,
    stdout: true,
    stderr: true,
    timestamps: options.timestamps,
    ...(options.tail === undefined ? {} : { tail: options.tail }),
    ...(options.since === undefined ? {} : { since: engineTime(options.since) }),
  };
  const call = {
    path: `/containers/${container}/logs?`,
    method: "GET",
    abortSignal: signal,
    isStream: true,
    statusCodes: { 200: true, 404: "no such container", 500: "server error" },
    options: query,
  };
  return new Promise((resolve, reject) => {
    docker.modem.dial(call, (error: unknown, stream: unknown) => {
      if (error) reject(engineError(error));
      else resolve(stream as Readable);
    });
  });
}

/** Runs a command in a running container and gives its exit code. Throws `unavailable` when that cannot be known: the connection broke. */
export async function execIn(
  engine: Engine,
  container: string,
  options: ExecOptions,
  signal: AbortSignal,
): Promise<number> {
  const exec = await engine.call((docker) =>
    docker.getContainer(container).exec({
      Cmd: [...options.command],
      AttachStdin: options.stdin !== undefined,
      AttachStdout: true,
      AttachStderr: true,
      Tty: options.tty,
      abortSignal: signal,
    }),
  );
  const { streams } = await engine.clients();
  const duplex = await streams
    .getExec(exec.id)
    .start({ hijack: true, stdin: true, Tty: options.tty, abortSignal: signal })
    .catch((error: unknown) => {
      throw engineError(error);
    });
  const leaveTerminal = options.tty ? followSize(engine, exec.id, options.stdout) : () => {};
  try {
    await talk(duplex, options, signal);
  } catch (error) {
    signal.throwIfAborted();
    // Who ends before it has read all its input closes its side in the middle of our writing: its exit code tells whether it has ended.
    if (!options.stdin || duplex.writableFinished) throw engineError(error);
  } finally {
    leaveTerminal();
  }
  signal.throwIfAborted();
  return exitCodeOf(engine, exec.id, signal);
}

/** Until the other side has ended. Whatever breaks the connection rejects: nobody else listens to it, and that would end the process. */
async function talk(duplex: Duplex, options: ExecOptions, signal: AbortSignal): Promise<void> {
  let broken: unknown;
  const frames = options.tty ? undefined : demultiplex();
  // In this order: what was heard before is still written.
  duplex.on("error", (error) => {
    broken = error;
  });
  duplex.on("close", () => frames?.end());
  const onAbort = () => duplex.destroy();
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    if (options.stdin) options.stdin.pipe(duplex);
    if (frames) {
      for await (const { stream, data } of duplex.pipe(frames) as AsyncIterable<Frame>) options[stream].write(data);
    } else {
      duplex.pipe(options.stdout, { end: false });
      await finished(duplex, { writable: false });
    }
    if (broken !== undefined) throw broken;
  } finally {
    signal.removeEventListener("abort", onAbort);
    if (options.stdin) options.stdin.unpipe(duplex);
    duplex.destroy();
  }
}

/** An engine may tell the end of the output a little before that of the command. */
async function exitCodeOf(engine: Engine, exec: string, signal: AbortSignal): Promise<number> {
  for (let waitedMs = 0; ; waitedMs += exitPauseMs) {
    const { ExitCode } = await engine.call((docker) => docker.getExec(exec).inspect({ abortSignal: signal }));
    // The client's own types do not know of a command that has none yet.
    const code = ExitCode as number | null;
    if (code !== null) return code;
    if (waitedMs >= exitLimitMs) break;
    await pause(exitPauseMs, undefined, { signal });
  }
  throw new OrchestraError(
    "unavailable",
    "the connection ended while its command runs on: the exit code is not known",
    {
      hint: "run it again; if that happens often, look at the way to the engine (DOCKER_HOST)",
    },
  );
}

const exitPauseMs = 50;
const exitLimitMs = 3_000;

/** Gives the command's terminal the size of ours, now and whenever it changes. Returns how to end that. */
function followSize(engine: Engine, exec: string, terminal: ExecOptions["stdout"] & TerminalSize): () => void {
  const attempt = async (left: number): Promise<void> => {
    const { columns: w, rows: h } = terminal;
    if (w === undefined || h === undefined) return;
    try {
      await engine.call((docker) => docker.getExec(exec).resize({ w, h }));
    } catch {
      // The engine refuses until the command's process is there. It may also have ended already: then nobody misses its size.
      await pause(resizePauseMs);
      if (left > 1) await attempt(left - 1);
    }
  };
  const resize = () => void attempt(resizeAttempts);
  resize();
  terminal.on("resize", resize);
  return () => terminal.off("resize", resize);
}

const resizeAttempts = 5;
const resizePauseMs = 20;

/** What a stream to a terminal has besides. */
interface TerminalSize {
  readonly columns?: number;
  readonly rows?: number;
}

/** Docker takes seconds with a fraction; nanoseconds do not fit into a number, so it is passed as text. */
function engineTime(iso: string): string {
  const fraction = /\.(\d+)Z$/.exec(iso)?.[1] ?? "0";
  return `${Math.floor(Date.parse(iso) / 1000)}.${fraction.padEnd(9, "0").slice(0, 9)}`;
}
