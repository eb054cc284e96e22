// A plan as `-o json` gives it: the stable shape that programs read. Values that may be secrets are masked unless asked for. Pure.
import type { FieldChange } from "../../apply/fields.ts";
import type { Forecast, Forecasts } from "../../apply/forecast.ts";
import type { NodeForecast } from "../../apply/free-room.ts";
import type { Held } from "../../apply/guards.ts";
import type { Plan, PlanAction, PlanItem } from "../../apply/plan.ts";
import { type Override, wantedReplicas } from "../../model/deployment.ts";
import { mask } from "../print.ts";

export interface PlanDocument {
  readonly apiVersion: "orchestra/v1";
  readonly kind: "Plan";
  readonly summary: Readonly<Record<"create" | "update" | "unchanged" | "delete", number>>;
  readonly deployments: readonly PlanEntry[];
  /** What the whole plan does to the free room of nodes; those whose room stays as it is are left out. */
  readonly nodes: readonly NodeForecast[];
  /** Deployments that the files lack and that are left alone: with --prune only those that are protected. */
  readonly notInFiles: readonly string[];
  /** With --prune: why apply asks before it does this, or needs --yes; absent where it does not. */
  readonly held?: readonly Held[];
}

export interface PlanEntry {
  readonly name: string;
  readonly action: PlanAction;
  readonly changes: readonly (Omit<FieldChange, "secret"> & { readonly masked?: true })[];
  /** How many pods should run after it. */
  readonly replicas: number;
  /** What `scale` said, or the file at last (`kept`), where that is in force. */
  readonly override?: OverrideEntry;
  /** With --prune, what has only another name: the Deployment that had the same spec, or the new one that has it. */
  readonly renamedFrom?: string;
  readonly renamedTo?: string;
  /** Absent where nothing changes. */
  readonly pods?: Forecast;
}

export interface OverrideEntry extends Override {
  /** What the manifest says, if it says a count. */
  readonly manifest?: number;
}

export function planDocument(plan: Plan, forecasts: Forecasts, showValues: boolean): PlanDocument {
  return {
    apiVersion: "orchestra/v1",
    kind: "Plan",
    summary: summaryOf(plan),
    deployments: plan.items.map((item) => entryOf(item, forecasts.deployments.get(item.name), showValues)),
    nodes: forecasts.nodes,
    notInFiles: plan.notInFiles,
  };
}

export function summaryOf({ items }: Plan): PlanDocument["summary"] {
  const count = (action: PlanAction) => items.filter((item) => item.action === action).length;
  return { create: count("create"), update: count("update"), unchanged: count("unchanged"), delete: count("delete") };
}

/** The override that is in force once the item is carried out. */
export function overrideOf({ before, after }: PlanItem): OverrideEntry | undefined {
  const { override, file } = (after ?? before?.value)?.replicas ?? {};
  return override && { ...override, ...(file === undefined ? {} : { manifest: file }) };
}

function entryOf(item: PlanItem, forecast: Forecast | undefined, showValues: boolean): PlanEntry {
  const document = item.after ?? item.before?.value;
  const override = overrideOf(item);
  return {
    name: item.name,
    action: item.action,
    changes: item.changes.map((change) => masked(change, showValues)),
    replicas: document === undefined || document.deleted ? 0 : wantedReplicas(document),
    ...(override ? { override } : {}),
    ...(item.renamedFrom === undefined ? {} : { renamedFrom: item.renamedFrom }),
    ...(item.renamedTo === undefined ? {} : { renamedTo: item.renamedTo }),
    ...(forecast ? { pods: forecast } : {}),
  };
}

function masked({ secret, ...change }: FieldChange, showValues: boolean): PlanEntry["changes"][number] {
  if (!secret || showValues) return change;
  return {
    path: change.path,
    ...(change.old === undefined ? {} : { old: mask }),
    ...(change.new === undefined ? {} : { new: mask }),
    masked: true,
  };
}
