// The runtime contract: what the worker needs of a container engine. `docker.ts` is the adapter, `memory.ts` a small real one for tests
// and the simulator; one contract suite holds both to this. Only containers with the labels of this cluster and node are ever seen here.
import type { Reason } from "../model/pod.ts";
import type { ResolvedTemplate, Resources } from "../model/template.ts";

/** A container of ours, as the engine tells it now. */
export interface ContainerState {
  /** The engine's full id. */
  readonly id: string;
  readonly pod: string;
  readonly deployment: string;
  readonly slot: number;
  readonly revision: string;
  readonly state: "created" | "running" | "exited";
  readonly ip?: string;
  readonly exitCode?: number;
  readonly oomKilled?: boolean;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  /** Of the image's own HEALTHCHECK, where it has one. */
  readonly health?: "starting" | "healthy" | "unhealthy";
}

export interface EngineInfo {
  readonly capacity: Resources;
  readonly platform: { readonly os: string; readonly arch: string };
  readonly version: string;
  readonly apiVersion: string;
  readonly kernel: string;
}

/** What a container is made of. */
export interface ContainerSpec {
  /** The pod's id, and what its labels say. */
  readonly pod: string;
  readonly deployment: string;
  readonly slot: number;
  readonly revision: string;
  readonly template: ResolvedTemplate;
  /** The node's bridge network, and the resolver its containers get. */
  readonly network: string;
  readonly dns: { readonly server: string; readonly search: string };
}

export interface LogOptions {
  readonly follow: boolean;
  /** Only so many last lines; absent: all there are. */
  readonly tail?: number;
  /** Only lines since this time (ISO 8601). */
  readonly since?: string;
  readonly timestamps: boolean;
}

export interface LogLine {
  readonly stream: "stdout" | "stderr";
  readonly line: string;
}

export interface ExecOptions {
  readonly command: readonly string[];
  /** Absent: no input. */
  readonly stdin?: NodeJS.ReadableStream;
  readonly tty: boolean;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
}

/**
 * Every method throws OrchestraError: `unavailable` when the engine does not answer (nothing is then known about its containers),
 * `not-found` for a container that is gone. What the user's template is to blame for is a RuntimeFailure.
 */
export interface Runtime {
  info(signal: AbortSignal): Promise<EngineInfo>;
  /** All containers of this cluster and node, running or not. */
  list(signal: AbortSignal): Promise<readonly ContainerState[]>;
  /** Makes sure that the image is there as the policy says; `onProgress` gets a percentage where the engine tells one. */
  pull(
    template: ResolvedTemplate,
    onProgress: (percent: number | undefined) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /** Creates the container, or finds the one of this pod that is already there. Returns the engine's id. */
  create(spec: ContainerSpec, signal: AbortSignal): Promise<string>;
  /** Starts a created or exited container; already running is fine. */
  start(container: string, signal: AbortSignal): Promise<void>;
  /** Sends `stopSignal`, and kills after `graceMs`; already stopped or gone is fine. */
  stop(container: string, stopSignal: string, graceMs: number, signal: AbortSignal): Promise<void>;
  /** Removes a container by force; gone is fine. */
  remove(container: string, signal: AbortSignal): Promise<void>;
  inspect(container: string, signal: AbortSignal): Promise<ContainerState>;
  /** Wakes on every change to one of our containers, and on `gap` when changes may have been missed: list again. Ends with the signal. */
  watch(onEvent: (event: "change" | "gap") => void, signal: AbortSignal): Promise<void>;
  logs(container: string, options: LogOptions, signal: AbortSignal): AsyncIterable<LogLine>;
  /** Runs a command in a running container; gives its exit code. */
  exec(container: string, options: ExecOptions, signal: AbortSignal): Promise<number>;
}

/** The engine said no, and the template (or the host's state it asks for) is the reason. `final`: trying the same again will not help by itself. */
export class RuntimeFailure extends Error {
  readonly reason: Reason;
  readonly final: boolean;

  constructor(reason: Reason, final: boolean, cause?: unknown) {
    super(reason.message, { cause });
    this.name = "RuntimeFailure";
    this.reason = reason;
    this.final = final;
  }
}
