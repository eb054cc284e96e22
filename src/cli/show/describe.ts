// `describe`: everything about one Deployment, pod or node that a person needs, as data. Pure; environment values are masked here.
import { templateOf } from "../../model/cluster-state.ts";
import {
  type DeploymentDocument,
  deploymentDefaults,
  type PlacementRules,
  type Strategy,
} from "../../model/deployment.ts";
import type { JoinedPod } from "../../model/joined-pod.ts";
import type { Hold } from "../../model/node.ts";
import type { Failure, Rollout } from "../../model/pod.ts";
import type { PodTemplate } from "../../model/template.ts";
import { maskTemplate } from "../print.ts";
import { type FailureView, failureOf, failuresOf } from "./failures.ts";
import { holdOf, type NodeRow, nodeRows } from "./node-rows.ts";
import type { Observation } from "./observe.ts";
import { type DeploymentRow, deploymentRows, type PodRow, podRows } from "./rows.ts";
import { type Because, why } from "./why.ts";

/** `describe deployment/NAME -o json`. */
export interface DeploymentDescription {
  readonly apiVersion: "orchestra/v1";
  readonly kind: "DeploymentDescription";
  readonly deployment: DeploymentRow;
  readonly uid?: string;
  /** Of everything that the manifest says. */
  readonly manifestHash?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** With the defaults filled in. */
  readonly strategy: Required<Strategy>;
  readonly placement: PlacementRules;
  /** Its files lack it, and it is deleted when the rest is ready: since when it waits, and for what. */
  readonly waitsToBePruned?: { readonly source: string; readonly since: string; readonly reasons: readonly string[] };
  readonly created?: DeploymentDocument["created"];
  readonly updated?: DeploymentDocument["updated"];
  /** The template as the manifest says it; `***` for each value of the environment. */
  readonly template?: PodTemplate;
  readonly rollout?: Rollout;
  /** Earlier revisions, newest first. */
  readonly history: readonly { readonly revision: string; readonly image?: string }[];
  readonly pods: readonly PodRow[];
  readonly failures: readonly FailureView[];
}

/** `describe pod/NAME -o json`. */
export interface PodDescription {
  readonly apiVersion: "orchestra/v1";
  readonly kind: "PodDescription";
  readonly pod: PodRow;
  readonly template?: PodTemplate;
  readonly because: readonly Because[];
  readonly failure?: FailureView;
}

/** `describe node/NAME -o json`. */
export interface NodeDescription {
  readonly apiVersion: "orchestra/v1";
  readonly kind: "NodeDescription";
  readonly node: NodeRow;
  /** While it is there, nothing is moved or stopped for absent nodes. */
  readonly hold?: Hold;
  readonly network?: { readonly name: string; readonly range: string; readonly gateway: string };
  readonly pods: readonly PodRow[];
}

export type Description = DeploymentDescription | PodDescription | NodeDescription;

export interface DescribeOptions {
  readonly failures: readonly Failure[];
  readonly pending: ReadonlyMap<string, string>;
  readonly showValues: boolean;
}

export function describeDeployment(
  observation: Observation,
  name: string,
  { failures, pending, showValues }: DescribeOptions,
): DeploymentDescription {
  const { state } = observation;
  const row = deploymentRows(observation).find((candidate) => candidate.name === name);
  if (!row) throw new RangeError(`no Deployment "${name}"`);
  const document = state.deployments.get(name);
  const template = templateOf(state, name, row.revision);
  const rollout = state.pods.get(name)?.rollout;
  const { maxSurge, maxUnavailable, progressDeadlineSeconds } = deploymentDefaults;
  return {
    apiVersion: "orchestra/v1",
    kind: "DeploymentDescription",
    deployment: row,
    ...(document
      ? { uid: document.uid, manifestHash: document.manifestHash, created: document.created, updated: document.updated }
      : {}),
    ...pruneOf(observation, name),
    labels: document?.labels ?? {},
    annotations: document?.annotations ?? {},
    strategy: { maxSurge, maxUnavailable, progressDeadlineSeconds, ...document?.strategy },
    placement: { spread: deploymentDefaults.spread, ...document?.placement },
    ...(template ? { template: maskTemplate(template, showValues) } : {}),
    ...(rollout ? { rollout } : {}),
    history: (document?.history ?? []).map((revision) => {
      const image = templateOf(state, name, revision)?.image;
      return { revision, ...(image === undefined ? {} : { image }) };
    }),
    pods: podRows(observation, pending).filter(({ deployment }) => deployment === name),
    failures: failuresOf(state, failures, name),
  };
}

function pruneOf({ syncs }: Observation, name: string): Pick<DeploymentDescription, "waitsToBePruned"> {
  const found = syncs.find(({ lead, waiting }) => lead.ended === undefined && waiting?.prunes.includes(name));
  if (!found?.waiting) return {};
  const { source, waiting, pass } = found;
  return { waitsToBePruned: { source, since: waiting.since, reasons: pass?.errors ?? [] } };
}

export function describePod(
  observation: Observation,
  pod: JoinedPod,
  { failures, showValues }: DescribeOptions,
): PodDescription {
  const { state } = observation;
  const template = templateOf(state, pod.deployment, pod.pod.revision);
  const failure = failureOf(state, failures, pod);
  const { pod: row, because } = why(observation, pod, failures);
  return {
    apiVersion: "orchestra/v1",
    kind: "PodDescription",
    pod: row,
    ...(template ? { template: maskTemplate(template, showValues) } : {}),
    because,
    ...(failure ? { failure } : {}),
  };
}

export function describeNode(observation: Observation, name: string): NodeDescription {
  const row = nodeRows(observation).find((candidate) => candidate.name === name);
  if (!row) throw new RangeError(`no node "${name}"`);
  const network = observation.state.nodes.get(name)?.network;
  const hold = holdOf(observation);
  return {
    apiVersion: "orchestra/v1",
    kind: "NodeDescription",
    node: row,
    ...(hold ? { hold } : {}),
    ...(network ? { network } : {}),
    pods: podRows(observation).filter(({ node }) => node === name),
  };
}
