// Asks a pod how it is: over HTTP and TCP on its own address, or with a command in its container.
import { get } from "node:http";
import { connect } from "node:net";
import { Writable } from "node:stream";
import { isOrchestraError, messageOf } from "../model/errors.ts";
import type { ProbeStep } from "./decide.ts";
import { type Runtime, unansweredMs } from "./runtime.ts";

export interface ProbeAnswer {
  readonly ok: boolean;
  /** What was wrong, for people. */
  readonly message: string;
  /** The engine was asked, and nothing came in time: the command may hang, or the engine. */
  readonly isEngineSlow?: true;
}

/** The answer within the probe's time limit; no answer is one too. Throws only what is said of the engine and not of the pod: `unavailable`. */
export async function ask(
  { probe, ip, container }: ProbeStep,
  runtime: Runtime,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  const { action, timeoutMs } = probe;
  // A plain timer: a signal with a timeout, made anew for each question, costs as much as the rest of the question.
  const limit = new AbortController();
  const end = () => limit.abort();
  const timer = setTimeout(end, timeoutMs);
  signal.addEventListener("abort", end);
  try {
    switch (action.do) {
      case "http":
        return await askHttp(ip, action, limit.signal);
      case "tcp":
        return await askTcp(ip, action.port, limit.signal);
      case "exec":
        return await askExec(container, action.command, runtime, limit.signal);
      default:
        return action satisfies never;
    }
  } catch (error) {
    if (isOrchestraError(error, "unavailable") && unansweredMs(error) === undefined) throw error;
    const text = limit.signal.aborted ? `no answer within ${timeoutMs / 1000} s` : messageOf(error);
    const slow = action.do === "exec" && limit.signal.aborted ? { isEngineSlow: true as const } : {};
    return { ok: false, message: `${nameOf(action)}: ${text}`.slice(0, 120), ...slow };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", end);
  }
}

type Action = ProbeStep["probe"]["action"];

function nameOf(action: Action): string {
  if (action.do === "http") return `GET :${action.port}${action.path}`;
  return action.do === "tcp" ? `TCP port ${action.port}` : `command ${action.command[0]}`;
}

/** 200 to 399 is healthy, as for Kubernetes. The body is not read. */
function askHttp(host: string, action: Extract<Action, { do: "http" }>, signal: AbortSignal): Promise<ProbeAnswer> {
  const { path, port, headers } = action;
  return new Promise((resolve, reject) => {
    // A connection of its own each time: one that is kept would answer for a server that takes no new ones.
    const request = get(
      { host, port, path, headers: { ...headers, connection: "close" }, agent: false, signal },
      (response) => {
        const status = response.statusCode ?? 0;
        resolve({ ok: status >= 200 && status < 400, message: `${nameOf(action)}: answered ${status}` });
        response.destroy();
      },
    );
    request.on("error", reject);
  });
}

function askTcp(host: string, port: number, signal: AbortSignal): Promise<ProbeAnswer> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, signal }, () => {
      socket.destroy();
      resolve({ ok: true, message: "" });
    });
    socket.on("error", reject);
  });
}

async function askExec(
  container: string,
  command: readonly string[],
  runtime: Runtime,
  signal: AbortSignal,
): Promise<ProbeAnswer> {
  const nowhere = () => new Writable({ write: (_chunk, _encoding, done) => done() });
  const code = await runtime.exec(container, { command, tty: false, stdout: nowhere(), stderr: nowhere() }, signal);
  return { ok: code === 0, message: `command ${command[0]}: exit code ${code}` };
}
