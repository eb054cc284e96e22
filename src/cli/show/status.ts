// `status`: what runs on this store, what is in it, and what somebody should look at. Pure.
import type { ClusterDocument } from "../../model/cluster.ts";
import type { Hold, PresenceDocument } from "../../model/node.ts";
import type { Phase } from "../../model/phase.ts";
import type { Holder } from "../holders.ts";
import { age, paint } from "../print.ts";
import { syncProblems } from "../sync/sync-problems.ts";
import { deploymentStatus } from "./columns.ts";
import { fields } from "./describe-text.ts";
import { holdOf, holdText, nodeRows } from "./node-rows.ts";
import type { Observation } from "./observe.ts";
import { type DeploymentState, deploymentRows, type PodRow, podRows } from "./rows.ts";
import { silenceMeans, silenceText } from "./silent-engine.ts";

/** Everything that was asked outside of the pure part. */
export interface StatusFacts {
  readonly observation: Observation;
  readonly pending: ReadonlyMap<string, string>;
  readonly store: string;
  readonly cluster: ClusterDocument | undefined;
  readonly presences: ReadonlyMap<string, PresenceDocument>;
  readonly docker: StatusDocument["docker"];
  readonly dns: StatusDocument["dns"] | undefined;
  /** Who does not follow the store. */
  readonly holders: readonly Holder[];
}

/** `status -o json`. */
export interface StatusDocument {
  readonly apiVersion: "orchestra/v1";
  readonly kind: "Status";
  readonly store: string;
  /** Absent until the first `up` or command that writes. */
  readonly cluster?: { readonly id: string; readonly networkRange: string; readonly createdAt: string };
  /** Each `orchestra up` that is alive, with its roles master, worker and dns. */
  readonly up: readonly { readonly node: string; readonly pid: number; readonly since: string }[];
  /** This machine's engine. */
  readonly docker: { readonly version: string; readonly apiVersion: string } | { readonly error: string };
  /** Absent: no CoreDNS was started on this machine for this store, or it was stopped on purpose. */
  readonly dns?: {
    readonly running: boolean;
    readonly healthy: boolean;
    readonly pid: number;
    /** Where containers ask, and where people can. */
    readonly addresses: readonly string[];
  };
  readonly nodes: {
    readonly present: number;
    readonly absent: number;
    readonly lost: number;
    readonly cordoned: number;
  };
  /** While it is there, nothing is moved or stopped for absent nodes. */
  readonly hold?: Hold;
  readonly deployments: Readonly<Partial<Record<DeploymentState, number>>>;
  readonly pods: Readonly<Partial<Record<Phase, number>>>;
  /** Empty: all is well. */
  readonly problems: readonly Problem[];
}

interface Problem {
  /** A name that every command takes (`deployment/web`), or `up`, `master`, `docker`, `dns`, `nodes`; of a damaged document its key. */
  readonly about: string;
  readonly message: string;
}

export function statusDocument(facts: StatusFacts): StatusDocument {
  const { observation, store, cluster, presences, docker, dns } = facts;
  const nodes = nodeRows(observation);
  const hold = holdOf(observation);
  return {
    apiVersion: "orchestra/v1",
    kind: "Status",
    store,
    ...(cluster
      ? { cluster: { id: cluster.id, networkRange: cluster.networkRange, createdAt: cluster.createdAt } }
      : {}),
    up: [...presences].map(([node, { pid, since }]) => ({ node, pid, since })),
    docker,
    ...(dns ? { dns } : {}),
    nodes: {
      present: nodes.filter(({ state }) => state === "present").length,
      absent: nodes.filter(({ state }) => state === "absent").length,
      lost: nodes.filter(({ state }) => state === "lost").length,
      cordoned: nodes.filter(({ cordoned }) => cordoned !== undefined).length,
    },
    ...(hold ? { hold } : {}),
    deployments: counts(deploymentRows(observation).map(({ state }) => state)),
    pods: counts(podRows(observation).map(({ phase }) => phase)),
    problems: problemsOf(facts),
  };
}

function problemsOf({ observation, pending, presences, docker, dns, holders }: StatusFacts): Problem[] {
  const problems: Problem[] = [];
  const add = (about: string, message: string) => problems.push({ about, message });
  if (presences.size === 0) add("up", "no orchestra up runs on this store: start it with orchestra up --detach");
  for (const { about, reason } of holders)
    add(about, `${about.startsWith("node/") ? "its worker holds" : "holds"}: ${reason}`);
  if ("error" in docker) add("docker", docker.error);
  if (dns && !dns.running) add("dns", "CoreDNS has ended: names are not answered");
  else if (dns && !dns.healthy) add("dns", "CoreDNS runs and does not answer its health check");
  else if (!dns && presences.size > 0) add("dns", "no CoreDNS runs here: names are not answered");
  for (const [key, { why }] of observation.state.damaged ?? [])
    add(key, `this document is damaged and left out: ${why}`);
  for (const { about, message } of syncProblems(observation)) add(about, message);
  const hold = holdOf(observation);
  if (hold) add("nodes", holdText(hold));
  for (const row of nodeRows(observation)) {
    const since = row.since === undefined ? "" : ` for ${age(row.since, observation.nowMs)}`;
    if (row.state === "absent" && presences.size > 0) add(`node/${row.name}`, `its worker has been absent${since}`);
    // What the worker of a node that is away had said may have changed since.
    if (row.state === "present" && row.networkProblem !== undefined) add(`node/${row.name}`, row.networkProblem);
    if (row.engine)
      add(
        `node/${row.name}`,
        `its engine has been ${silenceText(row.engine, observation.nowMs)}; ${silenceMeans(row.engine)}`,
      );
    if (row.state === "lost" && presences.size > 0)
      add(`node/${row.name}`, `it has been lost${since}; if it will not come back: orchestra nodes forget ${row.name}`);
  }
  for (const row of deploymentRows(observation)) {
    if (row.state === "failed" || row.state === "degraded" || row.state === "orphaned") {
      add(`deployment/${row.name}`, `${row.ready} of ${row.replicas} ready; ${deploymentStatus(row)}`);
    }
  }
  for (const row of podRows(observation, pending)) {
    if (row.reason && !row.ready && isTrouble(row.reason.code, row.restarts))
      add(`pod/${row.name}`, `${row.phase}: ${row.reason.message}`);
  }
  return problems;
}

/** A pod that is being stopped, or has only not become ready yet, is on its way; of a lost one its node tells. */
function isTrouble(code: NonNullable<PodRow["reason"]>["code"], restarts: number): boolean {
  return code !== "STOPPING" && code !== "LOST" && (code !== "NOT_READY" || restarts > 0);
}

function counts<T extends string>(all: readonly T[]): Partial<Record<T, number>> {
  const found: Partial<Record<T, number>> = {};
  for (const one of all) found[one] = (found[one] ?? 0) + 1;
  return found;
}

/** For people; a machine with hundreds of bad pods still shows the rest. */
const problemsShown = 20;

export function statusText(status: StatusDocument, nowMs: number, colour: boolean): string {
  const { cluster, up, docker, dns, nodes, hold, problems } = status;
  const upText = up.map(
    ({ node, pid, since }) => `node ${node}, pid ${pid}, for ${age(since, nowMs)} (master, worker, dns)`,
  );
  const cordoned = nodes.cordoned > 0 ? `, ${nodes.cordoned} cordoned` : "";
  const lost = nodes.lost > 0 ? `, ${nodes.lost} lost` : "";
  const head = fields([
    ["Store", status.store],
    ["Cluster", cluster && `${cluster.id}, range ${cluster.networkRange}, ${age(cluster.createdAt, nowMs)} old`],
    ["Up", up.length > 0 ? upText.join("; ") : "not running"],
    ["Docker", "error" in docker ? "no answer" : `${docker.version} (API ${docker.apiVersion})`],
    ["CoreDNS", dns?.running ? `pid ${dns.pid}, on ${dns.addresses.join(" and ")}` : "not running"],
    ["Nodes", `${nodes.present} present, ${nodes.absent} absent${lost}${cordoned}`],
    ["Hold", hold && paint(`since ${age(hold.since, nowMs)}: ${hold.reason}`, "bad", colour)],
    ["Deployments", countsText(status.deployments)],
    ["Pods", countsText(status.pods)],
  ]);
  if (problems.length === 0) return `${head}\n\n${paint("All is well.", "good", colour)}`;
  const lines = problems
    .slice(0, problemsShown)
    .map(({ about, message }) => `  ${paint(about, "bad", colour)}: ${message}`);
  if (problems.length > problemsShown) lines.push(`  … and ${problems.length - problemsShown} more`);
  return [head, "", "To look at:", ...lines].join("\n");
}

function countsText(all: Readonly<Record<string, number>>): string {
  return (
    Object.entries(all)
      .map(([name, count]) => `${count} ${name}`)
      .join(", ") || "none"
  );
}
