// A description as people read it: labelled lines, then tables. Pure.
import { stringify } from "yaml";
import { formatCpu } from "../../model/quantity.ts";
import type { PodTemplate } from "../../model/template.ts";
import { age, oneLine, printable, table } from "../print.ts";
import { bytes, commitText, deploymentStatus, labelsText, podColumns } from "./columns.ts";
import type { DeploymentDescription, Description, NodeDescription, PodDescription } from "./describe.ts";
import type { FailureView } from "./failures.ts";
import { holdText } from "./node-rows.ts";
import type { PodRow } from "./rows.ts";
import { silenceMeans, silenceText } from "./silent-engine.ts";

export interface DescribeTextOptions {
  readonly nowMs: number;
  readonly colour: boolean;
}

type Field = readonly [label: string, value: string | undefined];

export function descriptionText(description: Description, options: DescribeTextOptions): string {
  switch (description.kind) {
    case "DeploymentDescription":
      return deploymentText(description, options);
    case "PodDescription":
      return podText(description, options);
    case "NodeDescription":
      return nodeText(description, options);
  }
}

function deploymentText(description: DeploymentDescription, options: DescribeTextOptions): string {
  const {
    deployment: row,
    created,
    updated,
    strategy,
    placement,
    rollout,
    history,
    failures,
    waitsToBePruned,
  } = description;
  const ago = (act: typeof created) => act && `${age(act.at, options.nowMs)} ago by ${act.by}`;
  const { maxSurge, maxUnavailable, progressDeadlineSeconds } = strategy;
  const rolloutText =
    rollout && `${rollout.state} since ${age(rollout.since, options.nowMs)}${reasonAfter(rollout.reason)}`;
  const sections = [
    fields([
      ["Name", row.name],
      ["Status", deploymentStatus(row)],
      ["Replicas", `${row.replicas} wanted, ${row.ready} ready, ${row.updated} of the wanted revision`],
      ["Revision", row.revision],
      ["Rollout", rolloutText],
      ["Strategy", `maxSurge ${maxSurge}, maxUnavailable ${maxUnavailable}, deadline ${progressDeadlineSeconds}s`],
      ["Placement", placementText(placement)],
      ["Labels", labelsText(description.labels)],
      ["Annotations", labelsText(description.annotations)],
      ["Source", oneLine(row.source)],
      ["Commit", row.commit && commitText(row.commit)],
      [
        "To prune",
        waitsToBePruned && `for ${age(waitsToBePruned.since, options.nowMs)}: ${waitsToBePruned.reasons.join("; ")}`,
      ],
      ["Created", ago(created)],
      ["Updated", ago(updated)],
      ["Deleted", ago(row.deleted)],
      ["Uid", description.uid],
      ["Manifest", description.manifestHash],
      ["Earlier", history.map(({ revision, image = "?" }) => `${revision} (${image})`).join(", ")],
    ]),
    templateText(description.template),
    podsText(description.pods, options),
    ...failures.map((failure) => failureText(failure, options.nowMs)),
  ];
  return sections.filter((section) => section !== "").join("\n\n");
}

function podText({ pod, template, because, failure }: PodDescription, options: DescribeTextOptions): string {
  const sections = [
    fields([
      ["Name", pod.name],
      ["Id", pod.id],
      ["Deployment", pod.deployment],
      [
        "Phase",
        pod.live || pod.node === undefined
          ? pod.phase
          : `${pod.phase}, last change ${age(pod.asOf, options.nowMs)} ago`,
      ],
      ["Node", pod.node],
      ["IP", pod.ip],
      ["Container", pod.container],
      ["Started", pod.startedAt && `${age(pod.startedAt, options.nowMs)} ago`],
      ["Restarts", String(pod.restarts)],
      ["Exit code", pod.exitCode?.toString()],
      ["Revision", pod.revision],
    ]),
    ["Why:", ...because.map(({ topic, message }) => `  ${topic}: ${message}`)].join("\n"),
    templateText(template),
    failure ? failureText(failure, options.nowMs) : "",
  ];
  return sections.filter((section) => section !== "").join("\n\n");
}

function nodeText({ node, network, pods, hold }: NodeDescription, options: DescribeTextOptions): string {
  const { reserved, capacity, cordoned, drained, versions } = node;
  const since = node.since === undefined ? "" : ` for ${age(node.since, options.nowMs)}`;
  const sections = [
    fields([
      ["Name", node.name],
      ["Status", node.state === "present" ? "present" : `${node.state}${since}`],
      ["Hold", hold && holdText(hold)],
      ["Worker", node.hold && `holds: ${node.hold}`],
      ["Engine", node.engine && `${silenceText(node.engine, options.nowMs)}; ${silenceMeans(node.engine)}`],
      ["Drained", drained && `${age(drained.at, options.nowMs)} ago by ${drained.by}`],
      ["Cordoned", cordoned && `${age(cordoned.at, options.nowMs)} ago by ${cordoned.by}`],
      ["Address", node.address],
      ["Network", network && `${network.name}, ${network.range}, gateway ${network.gateway}`],
      ["Other nodes", node.networkProblem],
      ["CPU", `${formatCpu(reserved.cpuMilli)} of ${formatCpu(capacity.cpuMilli)} reserved`],
      ["Memory", `${bytes(reserved.memoryBytes)} of ${bytes(capacity.memoryBytes)} reserved`],
      ["Pids", capacity.pids > 0 ? `${reserved.pids} of ${capacity.pids} reserved` : undefined],
      ["Labels", labelsText(node.labels)],
      ["Platform", `${node.platform}, kernel ${versions.kernel}`],
      ["Versions", `orchestra ${versions.orchestra}, docker ${versions.docker} (API ${versions.dockerApi})`],
    ]),
    podsText(pods, options),
  ];
  return sections.filter((section) => section !== "").join("\n\n");
}

/** Labels in one column; fields without a value are left out. */
export function fields(all: readonly Field[]): string {
  const given = all.filter((field): field is readonly [string, string] => field[1] !== undefined && field[1] !== "");
  const width = Math.max(...given.map(([label]) => label.length)) + 1;
  return given.map(([label, value]) => `${`${label}:`.padEnd(width)}  ${printable(value)}`).join("\n");
}

function templateText(template: PodTemplate | undefined): string {
  return template ? `Template:\n${indent(stringify(template, { lineWidth: 0 }).trimEnd())}` : "";
}

function podsText(pods: readonly PodRow[], { nowMs, colour }: DescribeTextOptions): string {
  return pods.length === 0 ? "Pods: none" : `Pods:\n${indent(table(podColumns(nowMs), pods, { colour }))}`;
}

function failureText({ pod, id, at, reason, cause, lines }: FailureView, nowMs: number): string {
  const head = `Last failure of ${pod} (${id}), ${age(at, nowMs)} ago: ${reason.message}`;
  return [head, ...(cause === undefined ? [] : [`  ${cause}`]), ...lines.map((line) => `  | ${printable(line)}`)].join(
    "\n",
  );
}

function placementText({ spread, nodeSelector, maxPerNode }: DeploymentDescription["placement"]): string {
  const parts = [spread === "none" ? "no spread" : "spread over nodes"];
  if (nodeSelector) parts.push(`only nodes with ${labelsText(nodeSelector)}`);
  if (maxPerNode !== undefined) parts.push(`at most ${maxPerNode} on a node`);
  return parts.join(", ");
}

function reasonAfter(reason: string | undefined): string {
  return reason === undefined ? "" : `: ${reason}`;
}

function indent(text: string): string {
  return text.replace(/^/gm, "  ");
}
