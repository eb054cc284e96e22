// What a kept plan is held to besides what it writes: its consequences. Nodes and pods change without any Deployment changing, and who agreed to a
// plan agreed to what it told. Where a pod runs is no part of it: that may come out another way without anybody being worse off. Pure.
import { podsText } from "../model/pod.ts";
import type { Downtime } from "./downtime.ts";
import type { Forecast } from "./forecast.ts";
import type { Moved } from "./moved.ts";

/** The consequences for the pods of one Deployment that must be as they were told. */
export interface Outcome {
  readonly created: number;
  /** Pods that get a successor, on whatever node. */
  readonly replaced: number;
  readonly stopped: number;
  readonly unplaced: number;
  /** The fewest pods that are ready on the way. */
  readonly least: number;
  readonly downtime?: Downtime["why"];
  readonly problem?: string;
}

const noOutcome: Outcome = Object.freeze({ created: 0, replaced: 0, stopped: 0, unplaced: 0, least: 0 });

export function outcomeOf(forecast: Forecast): Outcome {
  const { created, replaced, moved, stopped, unplaced, more = 0, ready, downtime, problem } = forecast;
  return {
    created: created.length,
    replaced: replaced.length + moved.length + more,
    stopped: stopped.length,
    unplaced: unplaced.length,
    least: ready.least,
    ...(downtime ? { downtime: downtime.why } : {}),
    ...(problem === undefined ? {} : { problem }),
  };
}

/**
 * Deployments for which the plan would have other consequences now: other numbers of pods, or downtime, a problem or fewer ready pods that it did
 * not tell. That it would go better than told (no downtime any more, more pods ready on the way, a place for pods that had none) is nothing to refuse.
 */
export function movedOutcomes(kept: ReadonlyMap<string, Outcome>, now: ReadonlyMap<string, Forecast>): Moved[] {
  return [...now].flatMap(([name, forecast]) => {
    const differs = differences(kept.get(name) ?? noOutcome, forecast);
    return differs.length === 0
      ? []
      : [{ what: "consequence" as const, name, message: `${name}: ${differs.join(", ")}` }];
  });
}

function differences(kept: Outcome, forecast: Forecast): string[] {
  const now = outcomeOf(forecast);
  const counted = havePlaceNow(kept, now) ? (["stopped"] as const) : (["created", "replaced", "stopped"] as const);
  const counts = counted.flatMap((what) =>
    now[what] === kept[what] ? [] : [`${podsText(now[what])} ${what} instead of ${kept[what]}`],
  );
  const reason = forecast.unplaced[0]?.reason;
  const unplaced = `${podsText(now.unplaced)} without a place instead of ${kept.unplaced}`;
  const downtime = now.downtime !== undefined && now.downtime !== kept.downtime ? forecast.downtime : undefined;
  const isFewer = now.least < kept.least && !downtime;
  return [
    ...counts,
    ...(now.unplaced <= kept.unplaced ? [] : [reason === undefined ? unplaced : `${unplaced} (${reason})`]),
    ...(downtime ? [`downtime (${downtime.message})`] : []),
    ...(isFewer ? [`at least ${now.least} ready on the way instead of ${kept.least}`] : []),
    ...(now.problem === undefined || now.problem === kept.problem ? [] : [now.problem]),
  ];
}

/** Whether what is created or replaced besides what was told are only pods that were told to find no place, and find one now. */
function havePlaceNow(kept: Outcome, now: Outcome): boolean {
  const [created, replaced] = [now.created - kept.created, now.replaced - kept.replaced];
  return created >= 0 && replaced >= 0 && created + replaced <= kept.unplaced - now.unplaced;
}
