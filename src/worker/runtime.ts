// The runtime contract: what the worker needs of a container engine. `docker.ts` is the adapter, `memory.ts` a small real one for tests
// and the simulator; one contract suite holds both to this. Only containers with the labels of this cluster and node are ever seen here.
import { isOrchestraError, OrchestraError } from "../model/errors.ts";
import type { Reason } from "../model/pod.ts";
import type { ResolvedTemplate, Resources } from "../model/template.ts";
import type { TakenRange } from "./network.ts";

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
  /** Its process exists and is kept from running. */
  readonly paused?: true;
  /** The name that we gave it, and what it is called now, where that is another one. Told by `list` only. */
  readonly renamed?: { readonly from: string; readonly to: string };
  /** Of the image's own HEALTHCHECK, where it has one. */
  readonly health?: "starting" | "healthy" | "unhealthy";
}

/** One thing that somebody has changed of a container since it was made (`docker update`). */
export interface ChangedSetting {
  /** `memory limit`. */
  readonly what: string;
  readonly is: string;
  readonly should: string;
  /** Words of `docker update` that make it as it should be; absent: only a new container is. */
  readonly restore?: readonly string[];
}

/**
 * - `changed`: this container started, ended, is gone, or its health changed: look at it. `paused`: it was, or goes on. `starved`: the kernel
 *   has killed a process of it for want of memory. An engine may tell that only after the end that came of it, and what it tells of the end
 *   then does not say so.
 * - `network-gone`: the cluster's network was removed here, by whomever.
 * - `lost`: the engine went silent. `gap`: it talks (again), and changes before now may have been missed: list.
 */
export type RuntimeEvent =
  | { readonly kind: "changed"; readonly container: string; readonly to: ContainerChange }
  | { readonly kind: "network-gone" }
  | { readonly kind: "lost" }
  | { readonly kind: "gap" };

export type ContainerChange = "running" | "exited" | "gone" | "health" | "paused" | "starved" | "disconnected";

export interface NodeNetwork {
  readonly name: string;
  readonly range: string;
  readonly gateway: string;
}

/** What an engine says of its networks. */
export interface EngineNetworks {
  /** Ours of the name that was asked for, and which node has made it: two nodes of a cluster may share an engine, and then its network. */
  readonly ours?: NodeNetwork & { readonly node?: string };
  /** The ranges of all its networks. */
  readonly taken: readonly TakenRange[];
}

export interface EngineInfo {
  readonly capacity: Resources;
  readonly platform: { readonly os: string; readonly arch: string };
  readonly version: string;
  readonly apiVersion: string;
  readonly kernel: string;
  /** What the engine's kernel lets it limit; elsewhere `resources` of a manifest only count for scheduling. */
  readonly limits: { readonly cpu: boolean; readonly memory: boolean; readonly pids: boolean };
  /** Where images and containers lie, on the engine's machine. */
  readonly dataFolder: string;
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
  /** Only lines since this time (ISO 8601, to the nanosecond if need be). */
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
 * Every method throws OrchestraError: `unavailable` when the engine does not answer (nothing is then known about its containers, unless
 * it is only this call that had no answer in time: see `unansweredMs`), `not-found` for a container that is gone. What the user's template is to blame for is a RuntimeFailure.
 */
export interface Runtime {
  info(signal: AbortSignal): Promise<EngineInfo>;
  /** All containers of this cluster and node, running or not. Exit codes and times are told by `inspect` only: they cost a call for each. */
  list(signal: AbortSignal): Promise<readonly ContainerState[]>;
  /** Refuses a network of this name that is not ours (`invalid`). */
  networks(name: string, signal: AbortSignal): Promise<EngineNetworks>;
  /** False: the engine has a network of this name or on this range already, so look again. */
  createNetwork(network: NodeNetwork, signal: AbortSignal): Promise<boolean>;
  /**
   * Removes our network of this name, unless a container, running or not, is attached to it; with `force` such containers lose it.
   * Returns whether it was removed.
   */
  removeNetwork(name: string, options: { readonly force: boolean }, signal: AbortSignal): Promise<boolean>;
  /** Makes sure that the image is there as the policy says; `onProgress` gets a percentage where the engine tells one. */
  pull(
    template: ResolvedTemplate,
    onProgress: (percent: number | undefined) => void,
    signal: AbortSignal,
  ): Promise<void>;
  /**
   * Creates the container, or finds the one of this pod that is already there. Returns the engine's id.
   * Does not pull: an image that is not there is a RuntimeFailure `IMAGE_NOT_PRESENT`, so that the usual case costs no question.
   */
  create(spec: ContainerSpec, signal: AbortSignal): Promise<string>;
  /** Starts a created or exited container; already running is fine. */
  start(container: string, signal: AbortSignal): Promise<void>;
  /** Sends a signal (`SIGTERM`) to the container's process; already stopped or gone is fine. Nobody waits in here: its end is an event. */
  kill(container: string, name: string, signal: AbortSignal): Promise<void>;
  /** Removes a container by force, running or not; gone is fine. */
  remove(container: string, signal: AbortSignal): Promise<void>;
  /** Without an address where the machine's kernel is seen to know of none, whatever the engine says. */
  inspect(container: string, signal: AbortSignal): Promise<ContainerState>;
  /** What somebody has changed of a container that was made from this template: its limits and its restart policy. */
  changed(
    container: string,
    template: Pick<ResolvedTemplate, "resources">,
    signal: AbortSignal,
  ): Promise<readonly ChangedSetting[]>;
  /** Tells every change to one of our containers, and the end of our network, until the signal fires; connects again by itself. */
  watch(onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void>;
  logs(container: string, options: LogOptions, signal: AbortSignal): AsyncIterable<LogLine>;
  /** Runs a command in a running container; gives its exit code. */
  exec(container: string, options: ExecOptions, signal: AbortSignal): Promise<number>;
}

/** The engine said no, and the template (or the host's state it asks for) is the reason. `final`: only another template helps; else it is tried again with back-off. */
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

/** A call was given up after so long. The engine may answer others all the same. */
export function unanswered(ms: number, cause?: unknown): OrchestraError {
  return new OrchestraError("unavailable", `Docker has not answered for ${ms / 1_000} s`, {
    hint: "see the engine's log (journalctl -u docker)",
    details: { unansweredMs: ms },
    cause,
  });
}

/** For how long this call was not answered; undefined: the error is another one. */
export function unansweredMs(error: unknown): number | undefined {
  const ms = isOrchestraError(error, "unavailable") ? error.details?.["unansweredMs"] : undefined;
  return typeof ms === "number" ? ms : undefined;
}
