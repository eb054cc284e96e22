// What a kept plan is held to besides what it writes: its consequences. Nodes and pods change without any Deployment changing, and who agreed to a
// plan agreed to what it told. Where a pod runs is no part of it: that may come out another way without anybody being worse off. Pure.
import { podsText } from "../model/pod.ts";
import type { Downtime } from "./downtime.ts";
import type { Forecast } from "./forecast.ts";
import type { Moved } from "./moved.ts";

/** The consequences for the pods of one Deployment that may be no worse than they were told. */
export interface Outcome {
  readonly created: number;
  /** Pods that get a successor, on whatever node. */
  readonly replaced: number;
  readonly stopped: number;
  readonly unplaced: number;
  /** Pods that run and are replaced once there is a place for their successors. */
  readonly waiting: number;
  /** The fewest pods that are ready on the way. */
  readonly least: number;
  readonly downtime?: Downtime["why"];
  readonly problem?: string;
}

const noOutcome: Outcome = Object.freeze({ created: 0, replaced: 0, stopped: 0, unplaced: 0, waiting: 0, least: 0 });

export function outcomeOf(forecast: Forecast): Outcome {
  const { created, replaced, moved, stopped, unplaced, waiting = 0, more = 0, ready, downtime, problem } = forecast;
  return {
    created: created.length,
    replaced: replaced.length + moved.length + more,
    stopped: stopped.length,
    unplaced: unplaced.length,
    waiting,
    least: ready.least,
    ...(downtime ? { downtime: downtime.why } : {}),
    ...(problem === undefined ? {} : { problem }),
  };
}

/**
 * Deployments for which the plan would have worse consequences now than it told: more pods that come, end or find no place, downtime, a problem or
 * fewer ready pods on the way. What goes better than told (fewer of those, a place for a pod that had none) is nothing to refuse.
 */
export function movedOutcomes(kept: ReadonlyMap<string, Outcome>, now: ReadonlyMap<string, Forecast>): Moved[] {
  return [...now].flatMap(([name, forecast]) => {
    const worse = worseIn(kept.get(name) ?? noOutcome, forecast);
    return worse.length === 0 ? [] : [{ what: "consequence" as const, name, message: `${name}: ${worse.join(", ")}` }];
  });
}

function worseIn(kept: Outcome, forecast: Forecast): string[] {
  const now = outcomeOf(forecast);
  const downtime = now.downtime !== undefined && now.downtime !== kept.downtime ? forecast.downtime : undefined;
  const isFewer = now.least < kept.least && !downtime;
  return [
    ...moreOf(kept, now),
    ...withoutPlace(kept, now, forecast),
    ...(downtime ? [`downtime (${downtime.message})`] : []),
    ...(isFewer ? [`at least ${now.least} ready on the way instead of ${kept.least}`] : []),
    ...(now.problem === undefined || now.problem === kept.problem ? [] : [now.problem]),
  ];
}

function moreOf(kept: Outcome, now: Outcome): string[] {
  // Who agreed to pods that had no place, or to replacing others once there is one, agreed to just those when there is.
  const found = (what: "unplaced" | "waiting") => Math.max(0, kept[what] - now[what]);
  const most = { created: kept.created + found("unplaced"), replaced: kept.replaced + found("waiting") };
  const limits = { ...most, stopped: kept.stopped };
  return (["created", "replaced", "stopped"] as const).flatMap((what) =>
    now[what] <= limits[what] ? [] : [`${podsText(now[what])} ${what} instead of ${kept[what]}`],
  );
}

/** A successor without a place keeps others waiting: that is told only where it is all there is. */
function withoutPlace(kept: Outcome, now: Outcome, { unplaced: [first] }: Forecast): string[] {
  const text = `${podsText(now.unplaced)} without a place instead of ${kept.unplaced}`;
  if (now.unplaced > kept.unplaced) return [first === undefined ? text : `${text} (${first.reason})`];
  if (now.waiting <= kept.waiting) return [];
  return [`${podsText(now.waiting)} replaced only once there is a place instead of ${kept.waiting}`];
}
