// What `diff --fail-on` looks for in the consequences of a plan: a gate for CI. Pure.

import type { Forecast } from "../../apply/forecast.ts";
import type { Plan, PlanItem } from "../../apply/plan.ts";
import { podsText } from "../../model/pod.ts";

/**
 * - `downtime`: a Deployment that has a ready pod now is for a while, or from then on, without any; one that is deleted too
 * - `delete`: a Deployment is deleted
 * - `replace`: a pod that runs is replaced or moved, and so begins anew: now, or once its successor has a place
 * - `unplaceable`: a pod fits on no node
 */
export const failKinds = ["downtime", "delete", "replace", "unplaceable"] as const;
export type FailKind = (typeof failKinds)[number];

/** One Deployment for which a plan fails. */
export interface PlanFailure {
  readonly on: FailKind;
  readonly deployment: string;
  readonly message: string;
}

/** So many Deployments are named in a line, the rest is counted. */
const namedLimit = 8;

/** Why the plan fails, by kind and then in the order of the plan; empty: it does not. */
export function planFailures(
  kinds: readonly FailKind[],
  { items }: Plan,
  forecasts: ReadonlyMap<string, Forecast>,
): PlanFailure[] {
  const asked = failKinds.filter((kind) => kinds.includes(kind));
  return asked.flatMap((on) =>
    items.flatMap((item) => {
      const message = failureOf(on, item, forecasts.get(item.name));
      return message === undefined ? [] : [{ on, deployment: item.name, message }];
    }),
  );
}

/** One line for each kind: `--fail-on replace: web (2 pods), api (1 pod)`. */
export function planFailureTexts(failures: readonly PlanFailure[]): string[] {
  return [...Map.groupBy(failures, ({ on }) => on)].map(([on, found]) => {
    const named = found.slice(0, namedLimit).map(({ deployment, message }) => `${deployment} (${message})`);
    const rest = found.length > named.length ? ` and ${found.length - named.length} more` : "";
    return `--fail-on ${on}: ${named.join(", ")}${rest}`;
  });
}

function failureOf(on: FailKind, { action }: PlanItem, forecast: Forecast | undefined): string | undefined {
  switch (on) {
    case "downtime":
      return forecast?.downtime?.message;
    case "delete":
      return action === "delete" ? "deleted" : undefined;
    case "replace":
      return forecast && anyReplaced(forecast);
    case "unplaceable":
      return anyPods(forecast?.unplaced.length ?? 0);
    default:
      return on satisfies never;
  }
}

function anyReplaced({ replaced, moved, more = 0, waiting = 0 }: Forecast): string | undefined {
  const now = anyPods(replaced.length + moved.length + more);
  if (waiting === 0) return now;
  const later = `once ${waiting === 1 ? "it has" : "they have"} a place`;
  return now === undefined ? `${podsText(waiting)} ${later}` : `${now}, and ${waiting} more ${later}`;
}

/** Undefined: it does not fail. */
function anyPods(pods: number): string | undefined {
  return pods === 0 ? undefined : podsText(pods);
}
