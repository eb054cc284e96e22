// What `get` shows: rows chosen by kind and name, and their forms. Pure, so that watching is a comparison of two listings.
import { isOrchestraError } from "../../model/errors.ts";
import type { Hold } from "../../model/node.ts";
import { type Kind, kindOf, resolveName } from "../names.ts";
import { type Column, table } from "../print.ts";
import { type SyncTrouble, syncTroubles } from "../sync/sync-problems.ts";
import { deploymentColumns, nodeColumns, podColumns } from "./columns.ts";
import { holdOf, type NodeRow, nodeRows, type Stale, staleNodes } from "./node-rows.ts";
import type { Observation } from "./observe.ts";
import { type DeploymentRow, deploymentRows, type PodRow, podRows } from "./rows.ts";

export type Row = DeploymentRow | PodRow | NodeRow;

/** What was asked for: kinds, and names out of them (none: all). */
export interface Selection {
  readonly kinds: readonly Kind[];
  readonly names: readonly string[];
}

/** The JSON of `get`: always a list, so that a program reads one thing and many the same way. */
export interface ListDocument {
  readonly apiVersion: "orchestra/v1";
  readonly kind: "List";
  readonly items: readonly Row[];
  /** Nodes whose worker is gone: what is said of their pods was true at `asOf`. */
  readonly stale: readonly Stale[];
  /** While it is there, nothing is moved or stopped for absent nodes. */
  readonly hold?: Hold;
  /** Syncs that need a look. */
  readonly syncs: readonly SyncTrouble[];
}

/** `get pods web-0` or `get web`: the first word may be a kind; without one Deployments and pods are meant. */
export function selectionOf(words: readonly string[]): Selection {
  const [first, ...others] = words;
  const kind = first === undefined ? undefined : kindOf(first);
  if (kind !== undefined) return { kinds: [kind], names: others };
  return { kinds: words.length === 0 ? ["deployment", "pod"] : ["deployment", "pod", "node"], names: words };
}

export interface ListingOptions {
  /** Why pods wait for a node, by pod, where somebody has asked the scheduler. */
  readonly pending?: ReadonlyMap<string, string>;
  /** Names that nothing has are left out instead of refused: what is watched may go, and come again. */
  readonly skipMissing?: boolean;
}

/** The rows of a selection. Throws `not-found` for a name that nothing has. */
export function listing(
  observation: Observation,
  selection: Selection,
  { pending = new Map(), skipMissing = false }: ListingOptions = {},
): Row[] {
  const all: Record<Kind, () => Row[]> = {
    deployment: () => deploymentRows(observation),
    pod: () => podRows(observation, pending),
    node: () => nodeRows(observation),
  };
  if (selection.names.length === 0) return selection.kinds.flatMap((kind) => all[kind]());
  const wanted = wantedKeys(observation, selection, skipMissing);
  const isWanted = (row: Row) =>
    wanted.has(keyOf(row)) || (row.kind === "Pod" && wanted.has(`deployment/${row.deployment}`));
  return selection.kinds.flatMap((kind) => all[kind]().filter(isWanted));
}

function wantedKeys({ state }: Observation, { kinds, names }: Selection, skipMissing: boolean): Set<string> {
  const wanted = new Set<string>();
  for (const name of names) {
    try {
      const target = resolveName(state, name, { kinds: namable(kinds) });
      wanted.add(target.kind === "pod" ? `pod/${target.pod.pod.id}` : `${target.kind}/${target.name}`);
    } catch (error) {
      if (!skipMissing || !isOrchestraError(error, "not-found")) throw error;
    }
  }
  return wanted;
}

/** `get pods web` means the pods of the Deployment `web`. */
function namable(kinds: readonly Kind[]): readonly Kind[] {
  return kinds.includes("pod") && !kinds.includes("deployment") ? ["pod", "deployment"] : kinds;
}

/** Tells a row from all others, and from other incarnations in its slot. */
export function keyOf(row: Row): string {
  return row.kind === "Pod" ? `pod/${row.id}` : nameOf(row);
}

/** `deployment/web`, `pod/web-0`, `node/n1`: the `-o name` form, which every command takes back. */
export function nameOf(row: Row): string {
  return `${row.kind.toLowerCase()}/${row.name}`;
}

export function listDocument(observation: Observation, items: readonly Row[]): ListDocument {
  const hold = holdOf(observation);
  return {
    apiVersion: "orchestra/v1",
    kind: "List",
    items,
    stale: staleNodes(observation),
    ...(hold ? { hold } : {}),
    syncs: syncTroubles(observation),
  };
}

export interface TextOptions {
  readonly nowMs: number;
  readonly wide: boolean;
  readonly colour: boolean;
  readonly header?: boolean;
}

/** One table for each kind that has rows, an empty line between. */
export function listingText(rows: readonly Row[], { nowMs, wide, colour, header = true }: TextOptions): string {
  const tables: string[] = [];
  const add = <R extends Row>(kind: R["kind"], columns: readonly Column<R>[]) => {
    const own = rows.filter((row): row is R => row.kind === kind);
    if (own.length > 0) tables.push(table(columns, own, { wide, colour, header }));
  };
  add<DeploymentRow>("Deployment", deploymentColumns(nowMs));
  add<PodRow>("Pod", podColumns(nowMs));
  add<NodeRow>("Node", nodeColumns(nowMs));
  return tables.join("\n\n");
}

/** What became different from one listing to the next. */
export interface RowChange {
  readonly change: "added" | "changed" | "removed";
  readonly item: Row;
}

export function changesBetween(before: readonly Row[], after: readonly Row[]): RowChange[] {
  const old = new Map(before.map((row) => [keyOf(row), row]));
  const changes: RowChange[] = [];
  for (const item of after) {
    const previous = old.get(keyOf(item));
    old.delete(keyOf(item));
    if (previous === undefined) changes.push({ change: "added", item });
    else if (JSON.stringify(previous) !== JSON.stringify(item)) changes.push({ change: "changed", item });
  }
  return [...changes, ...[...old.values()].map((item) => ({ change: "removed", item }) as const)];
}
