// What an import says, before and after. Pure.
import { shellWord } from "../../model/shell-word.ts";
import type { ExportFile } from "../../store/export-file.ts";
import type { ImportPlan } from "../../store/import-plan.ts";
import { age } from "../print.ts";

/** `orchestra store import -o json`. */
export interface ImportDocument {
  readonly apiVersion: "orchestra/v1";
  readonly kind: "Import";
  /** The store that is imported into. */
  readonly store: string;
  readonly cluster: string;
  /** That the cluster has then. */
  readonly incarnation: number;
  readonly exportedAt: string;
  /** What the file holds. */
  readonly holds: { readonly deployments: number; readonly pods: number; readonly nodes: number };
  /** How many documents. */
  readonly documents: { readonly created: number; readonly changed: number; readonly removed: number };
  /** `planned`: nothing was written. `unchanged`: the file had been imported before. */
  readonly state: "planned" | "imported" | "unchanged";
}

export function importDocument(
  file: ExportFile,
  plan: ImportPlan,
  store: string,
  state: "planned" | "imported",
): ImportDocument {
  const { created, changed, removed } = plan;
  return {
    apiVersion: "orchestra/v1",
    kind: "Import",
    store,
    cluster: file.cluster.id,
    incarnation: plan.cluster.incarnation,
    exportedAt: file.header.exportedAt,
    holds: {
      deployments: countOf(file, "deployments/"),
      pods: file.documents.reduce((sum, { key, value }) => sum + (key.startsWith("pods/") ? podsIn(value) : 0), 0),
      nodes: countOf(file, "nodes/"),
    },
    documents: { created, changed, removed },
    state: plan.done ? "unchanged" : state,
  };
}

/** For people. `from`: the store that was exported. */
export function importText(document: ImportDocument, from: string, nowMs: number): string {
  const { store, cluster, incarnation, exportedAt, holds, documents, state } = document;
  if (state === "unchanged") return `Nothing to do: ${store} holds just what the file holds.`;
  const { created, changed, removed } = documents;
  const replaced = changed + removed > 0 ? `, ${changed} changed, ${removed} removed` : "";
  return [
    `Cluster ${cluster}, exported ${age(exportedAt, nowMs)} ago from ${from}:`,
    `  ${counted(holds.deployments, "Deployment")}, ${counted(holds.pods, "pod")}, ${counted(holds.nodes, "node")}`,
    `into ${store}, as incarnation ${incarnation}: ${counted(created, "document")} created${replaced}.`,
    ...(state === "planned"
      ? ["Nothing was written. Give --yes to import it."]
      : [`Imported. Next, on each of its machines: orchestra up --store ${shellWord(store)}`]),
  ].join("\n");
}

function countOf({ documents }: ExportFile, prefix: string): number {
  return documents.filter(({ key }) => key.startsWith(prefix)).length;
}

function podsIn(value: unknown): number {
  const { pods } = value as { readonly pods?: unknown };
  return Array.isArray(pods) ? pods.length : 0;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
