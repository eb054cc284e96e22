// `logs`: the lines of one pod's container, or of all pods of a Deployment. Follows restarts, and pods that come later.
// Reads the store and, through the worker's contract, the engine.
import { setTimeout as pause } from "node:timers/promises";
import type { ClusterState } from "../../model/cluster-state.ts";
import { isOrchestraError, OrchestraError } from "../../model/errors.ts";
import { type JoinedPod, joinPods } from "../../model/joined-pod.ts";
import type { View } from "../../store/store.ts";
import type { ContainerState, LogLine, Runtime } from "../../worker/runtime.ts";
import type { Target } from "../names.ts";
import { observation } from "../show/observe.ts";

/** A container that has ended is looked at again this often while it is followed: it may be started again. */
const lookAgainMs = 500;
/** Each followed container holds a connection to the engine. */
export const followLimit = 100;

export interface LogsOptions {
  /** Of everything that `observation` needs. */
  readonly view: View;
  readonly runtimeOf: (node: string) => Runtime;
  readonly target: Extract<Target, { readonly kind: "pod" | "deployment" }>;
  readonly follow: boolean;
  readonly tail?: number;
  readonly since?: string;
  readonly timestamps: boolean;
  readonly onLine: (pod: JoinedPod, line: LogLine) => void;
  /** The pod has no container (any more), or one that has never started (`made`): what a failure left behind may be shown instead. */
  readonly onGone: (pod: JoinedPod, made: boolean) => void;
  /** More pods are there than are followed at once: `waiting` of them come when others have ended. */
  readonly onMany: (waiting: number) => void;
  readonly signal: AbortSignal;
}

/** Resolves when everything there is has been read; with `follow` when what is followed is gone. */
export async function readLogs(options: LogsOptions): Promise<void> {
  if (options.follow) return followLogs(options);
  for (const pod of podsOf(options)) await readPod(options, pod, undefined);
}

function podsOf({ view, target }: LogsOptions): JoinedPod[] {
  const pods = joinPods(stateOf(view));
  if (target.kind === "pod") return pods.filter(({ pod }) => pod.id === target.pod.pod.id);
  return pods.filter(({ deployment }) => deployment === target.name);
}

function stateOf(view: View): ClusterState {
  return observation(view.snapshot(), 0).state;
}

async function followLogs(options: LogsOptions): Promise<void> {
  const { view, target, signal } = options;
  const followed = new Set<string>();
  const running = new Set<Promise<void>>();
  let told = 0;
  const end = Promise.withResolvers<void>();
  const start = (pod: JoinedPod) => {
    followed.add(pod.pod.id);
    const done = followPod(options, pod)
      .catch(end.reject)
      .finally(() => {
        running.delete(done);
        look();
      });
    running.add(done);
  };
  const look = () => {
    if (signal.aborted) return;
    const pods = podsOf(options);
    const isThere =
      target.kind === "pod" ? pods.length > 0 : stateOf(view).deployments.has(target.name) || pods.length > 0;
    if (!isThere) return end.resolve();
    // Without a node there is no engine to ask yet; the next change of the view looks again.
    const waiting = pods.filter((pod) => pod.node !== undefined && !followed.has(pod.pod.id));
    for (const pod of waiting.splice(0, followLimit - running.size)) start(pod);
    if (waiting.length > told) options.onMany(waiting.length);
    told = Math.max(told, waiting.length);
  };
  signal.addEventListener("abort", () => end.resolve(), { once: true });
  const unsubscribe = view.onChange(look);
  try {
    look();
    await end.promise;
    await Promise.all(running);
  } finally {
    unsubscribe();
  }
}

/** Until the pod is gone. A container's log ends with each of its ends, and goes on when it is started again. */
async function followPod(options: LogsOptions, pod: JoinedPod): Promise<void> {
  let last: string | undefined;
  // Of a Deployment others have something to say meanwhile; who follows one pod would look at nothing without a reason.
  if (options.target.kind === "pod") await tellIfSilent(options, pod);
  while (!options.signal.aborted) {
    last = (await readPod(options, pod, last)) ?? last;
    if (!podsOf(options).some((other) => other.pod.id === pod.pod.id)) return;
    await pause(lookAgainMs, undefined, { signal: options.signal }).catch(() => {});
  }
}

/** One reading of the container's log from `after` on; gives the time of its last line. */
async function readPod(options: LogsOptions, pod: JoinedPod, after: string | undefined): Promise<string | undefined> {
  const { follow, tail, since, timestamps, signal, onLine } = options;
  const container = follow ? await containerOf(options, pod) : await tellIfSilent(options, pod);
  if (!container) return undefined;
  const runtime = options.runtimeOf(pod.node ?? "");
  const from = after ?? since;
  let last = after;
  // The time of each line is always asked for: it tells where to go on after a restart.
  const lines = runtime.logs(
    container.id,
    {
      follow,
      timestamps: true,
      ...(tail === undefined || after !== undefined ? {} : { tail }),
      ...(from === undefined ? {} : { since: from }),
    },
    signal,
  );
  try {
    for await (const { stream, line } of lines) {
      const space = line.indexOf(" ");
      const [time, text] = space < 0 ? [line, ""] : [line.slice(0, space), line.slice(space + 1)];
      if (after !== undefined && time <= after) continue;
      last = time;
      onLine(pod, { stream, line: timestamps ? line : text });
    }
  } catch (error) {
    if (!signal.aborted && !isOrchestraError(error, "not-found")) throw error;
  }
  return last;
}

/** The pod's container; tells of one that cannot have written anything. */
async function tellIfSilent(options: LogsOptions, pod: JoinedPod): Promise<ContainerState | undefined> {
  const container = await containerOf(options, pod);
  const isSilent = container === undefined || container.state === "created";
  if (isSilent) options.onGone(pod, container !== undefined);
  return isSilent ? undefined : container;
}

async function containerOf(options: LogsOptions, { node, pod }: JoinedPod): Promise<ContainerState | undefined> {
  if (node === undefined) return undefined;
  return (await options.runtimeOf(node).list(options.signal)).find((container) => container.pod === pod.id);
}

/** The container of a pod that a command is to run in. Throws when there is none, or when it does not run. */
export async function runningContainer(
  runtime: Runtime,
  joined: JoinedPod,
  signal: AbortSignal,
): Promise<ContainerState> {
  const found = (await runtime.list(signal)).find(({ pod }) => pod === joined.pod.id);
  if (found?.state === "running") return found;
  const state = found ? `is not running (${joined.phase})` : `has no container (${joined.phase})`;
  throw new OrchestraError("unavailable", `pod/${joined.name} ${state}`, {
    hint: `orchestra why ${joined.name} tells more`,
  });
}
