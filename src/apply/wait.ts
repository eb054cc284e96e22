// How far an apply or delete has come: a judgement of the documents, nothing else. Pure; `follow.ts` asks it again after every change.
import type { ClusterState } from "../model/cluster-state.ts";
import { type DeploymentDocument, wantedReplicas } from "../model/deployment.ts";
import { type JoinedPod, joinPods } from "../model/joined-pod.ts";
import { isGivenUp, type Phase } from "../model/phase.ts";
import type { Reason } from "../model/pod.ts";
import { refusalLimitMs } from "../worker/history.ts";
import type { PlanItem } from "./plan.ts";

/** What somebody waits for. */
export interface Goal {
  readonly name: string;
  readonly do: "run" | "delete";
  readonly uid: string;
  /** The one that said so: pods computed from an earlier one do not count. */
  readonly generation: number;
  readonly revision: string;
  readonly replicas: number;
  /** False: it was so before, and only has to be true. */
  readonly changed: boolean;
}

/**
 * - `failed`: hopeless now (no such image, bad command, …) or past the progress deadline; only another change helps
 * - `superseded`: someone wants something else of this Deployment since
 */
export type Progress = {
  readonly goal: Goal;
  /** Pods of the wanted revision that are ready; with `delete` none count. */
  readonly ready: number;
  /** Pods that have to go and have not gone yet, and how many of them have been told so. */
  readonly leaving: number;
  readonly stopping: number;
  /** Nodes that are out of reach, with so many pods that are to stop there: nobody waits for them. */
  readonly outOfReach: ReadonlyMap<string, number>;
  /** How many of `leaving` are of another revision: a rollout replaces them, or has. */
  readonly old: number;
  /** Pods of the wanted revision by phase, those that are ready left out. */
  readonly phases: ReadonlyMap<Phase, number>;
  /** Why the first pod that is not ready is not, where it is known. */
  readonly trouble?: Trouble;
} & (
  | { readonly state: "working" | "done" }
  | { readonly state: "failed"; readonly why: Trouble }
  | { readonly state: "superseded"; readonly why: { readonly message: string } }
);

export interface Trouble {
  readonly message: string;
  /** Of the worker's reason; `DEADLINE` when the rollout took too long. */
  readonly code: Reason["code"] | "DEADLINE";
  /** The pod's name; absent where it is about the whole Deployment. */
  readonly pod?: string;
}

/** The goal of one item of a committed plan: what it wrote, or what was there already. Undefined where there is nothing to wait for. */
export function goalOf({ name, before, after }: PlanItem): Goal | undefined {
  const document = after ?? before?.value;
  if (!document) return undefined;
  const { uid, generation, revision, deleted } = document;
  const replicas = deleted ? 0 : wantedReplicas(document);
  return { name, do: deleted ? "delete" : "run", uid, generation, revision, replicas, changed: after !== undefined };
}

/** Looks at each goal. `present`: nodes whose worker is alive; what others reported last does not count as ready. */
export function judge(state: ClusterState, present: ReadonlySet<string>, goals: readonly Goal[]): Progress[] {
  const named = new Map(goals.flatMap(({ name }) => entriesOf(state, name)));
  const pods = Map.groupBy(joinPods({ ...state, pods: named }), ({ deployment }) => deployment);
  return goals.map((goal) => {
    const of = withinReach(state, pods.get(goal.name) ?? []);
    return goal.do === "delete" ? judgeDelete(state, goal, of) : judgeRun(state, goal, of, present);
  });
}

/** The pods that somebody can do something about, and the others by node. */
interface Reach {
  readonly pods: readonly JoinedPod[];
  readonly outOfReach: ReadonlyMap<string, number>;
}

function withinReach(state: ClusterState, all: readonly JoinedPod[]): Reach {
  const outOfReach = new Map<string, number>();
  const pods = all.filter((pod) => !isOutOfReach(state, pod));
  for (const pod of all) {
    if (isOutOfReach(state, pod)) outOfReach.set(pod.node ?? "", (outOfReach.get(pod.node ?? "") ?? 0) + 1);
  }
  return { pods, outOfReach };
}

/** It is to stop, and nobody there can do that: the node or its engine is lost, or held to be only absent. */
function isOutOfReach({ hold }: ClusterState, { pod, verdict }: JoinedPod): boolean {
  return pod.stop !== undefined && (isGivenUp(verdict) || (verdict?.state === "absent" && hold !== undefined));
}

function judgeDelete(state: ClusterState, goal: Goal, { pods, outOfReach }: Reach): Progress {
  const document = state.deployments.get(goal.name);
  const counts = { ready: 0, leaving: pods.length, stopping: countStopping(pods), old: 0, phases: new Map() };
  const base = { goal, outOfReach, ...counts };
  if (!document || document.uid !== goal.uid) return { ...base, leaving: 0, stopping: 0, state: "done" };
  if (!document.deleted) return { ...base, state: "superseded", why: { message: whoChanged(goal.name, document) } };
  return { ...base, state: pods.length === 0 && outOfReach.size > 0 ? "done" : "working" };
}

function judgeRun(
  state: ClusterState,
  goal: Goal,
  { pods, outOfReach }: Reach,
  present: ReadonlySet<string>,
): Progress {
  const document = state.deployments.get(goal.name);
  const wanted = pods.filter(({ pod }) => pod.revision === goal.revision && !pod.stop);
  const isReady = ({ phase, node }: JoinedPod) => phase === "ready" && node !== undefined && present.has(node);
  const waiting = wanted.filter((pod) => !isReady(pod));
  const base = {
    goal,
    outOfReach,
    ready: wanted.length - waiting.length,
    leaving: pods.length - wanted.length,
    stopping: countStopping(pods),
    old: pods.filter(({ pod }) => pod.revision !== goal.revision).length,
    phases: countPhases(waiting),
    ...troubleOf(waiting),
  };
  const message = supersededBy(goal, document);
  if (message !== undefined) return { ...base, state: "superseded", why: { message } };
  const head = state.pods.get(goal.name);
  // Until the master has looked at this generation, pods and their failures are about what was wanted before.
  const decided = head !== undefined && head.uid === goal.uid && (head.generation ?? 0) >= goal.generation;
  if (!decided) return { ...base, state: "working" };
  const why = failureOf(goal, pods) ?? deadlineOf(goal, head.rollout);
  if (why) return { ...base, state: "failed", why };
  const done = base.ready === goal.replicas && base.leaving === 0 && waiting.length === 0;
  return { ...base, state: done ? "done" : "working" };
}

/** The worker tries some of these again, in case somebody mends the node; whoever waits must be told at once. */
const hopelessCodes: readonly Trouble["code"][] = [
  "IMAGE_NOT_FOUND",
  "IMAGE_NOT_PRESENT",
  "IMAGE_PULL_DENIED",
  "BAD_COMMAND",
  "BAD_TEMPLATE",
  "PORT_TAKEN",
];

/** What the worker never tries again as it is. */
const finalCodes: readonly Trouble["code"][] = ["BAD_COMMAND", "BAD_TEMPLATE", "ENGINE_ERROR"];
/** A try takes its time, and so does a pod on its way to readiness. */
const tryMs = 5_000;

/**
 * How long a failure has to last before it is hopeless. What was changed now fails at once; where nothing was changed, the failure may be
 * older than its cause's removal (a port has been freed, an image pushed), and the worker's next try is waited for.
 */
export function hopelessAfterMs(goal: Goal, { code }: Trouble): number {
  if (goal.changed || finalCodes.includes(code)) return 0;
  return code === "DEADLINE" ? tryMs : refusalLimitMs(code) + tryMs;
}

/** A pod that cannot start as it is, or that the worker has given up on, though the master may have told it to stop since. */
function failureOf(goal: Goal, pods: readonly JoinedPod[]): Trouble | undefined {
  const counts = ({ pod }: JoinedPod) =>
    pod.revision === goal.revision && (pod.stop === undefined || pod.stop.reason === "replaced");
  const failed = pods.find((pod) => counts(pod) && isHopeless(pod));
  return (
    failed && (reasonOf(failed) ?? { code: "ENGINE_ERROR", message: "the worker has given up on it", pod: failed.name })
  );
}

/** A pod that runs has overcome what it still tells as the reason of its last restart. */
function isHopeless({ status }: JoinedPod): boolean {
  if (status?.phase === "failed") return true;
  const runs = status?.phase === "running" || status?.phase === "ready";
  return !runs && status?.reason !== undefined && hopelessCodes.includes(status.reason.code);
}

function deadlineOf(
  goal: Goal,
  rollout: { revision: string; state: string; reason?: string } | undefined,
): Trouble | undefined {
  if (rollout?.state !== "failed" || rollout.revision !== goal.revision) return undefined;
  return { code: "DEADLINE", message: rollout.reason ?? "the rollout is past its progress deadline" };
}

/** Another change that still wants these pods does not end the wait: labels, say, or a lower deadline. */
function supersededBy(goal: Goal, document: DeploymentDocument | undefined): string | undefined {
  if (!document) return `${goal.name} has been deleted since`;
  const same =
    document.uid === goal.uid &&
    !document.deleted &&
    document.revision === goal.revision &&
    wantedReplicas(document) === goal.replicas;
  return same ? undefined : whoChanged(goal.name, document);
}

function whoChanged(name: string, { created, updated, deleted, generation }: DeploymentDocument): string {
  const did = deleted ? "deleted" : generation === 1 ? "created anew" : "changed";
  const { by, at } = generation === 1 ? created : updated;
  return `${name} was ${did} by ${by} at ${at}`;
}

function troubleOf(waiting: readonly JoinedPod[]): { trouble?: Trouble } {
  for (const pod of waiting) {
    const trouble = reasonOf(pod);
    if (trouble) return { trouble };
  }
  return {};
}

function reasonOf({ name, status }: JoinedPod): Trouble | undefined {
  return status?.reason && { ...status.reason, pod: name };
}

function countPhases(pods: readonly JoinedPod[]): Map<Phase, number> {
  const counts = new Map<Phase, number>();
  for (const { phase } of pods) counts.set(phase, (counts.get(phase) ?? 0) + 1);
  return counts;
}

function countStopping(pods: readonly JoinedPod[]): number {
  return pods.filter(({ pod }) => pod.stop !== undefined).length;
}

function entriesOf(state: ClusterState, name: string) {
  const pods = state.pods.get(name);
  return pods ? [[name, pods] as const] : [];
}
