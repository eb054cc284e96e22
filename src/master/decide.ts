// What the master would do now: `schedule(reconcile(state))` as one pure function of the documents. The loop, `diff`'s forecast, `why`,
// `get` and the simulator all call this one.
import type { ClusterState } from "../model/cluster-state.ts";
import { changeOf } from "./changes.ts";
import { damagedDeployments } from "./damage.ts";
import type { Decision, Problem, StopFirst, UnplacedPod } from "./decision.ts";
import { openDemands, roomOf } from "./documents-room.ts";
import { wordsAboutNodes } from "./forget.ts";
import { openMoves } from "./moves.ts";
import { type PlacedPod, placedPods } from "./placed-pods.ts";
import { unusedRevisions } from "./revisions.ts";
import { hasPending, place, type Run, startRun } from "./run.ts";
import { type Moment, openTimers } from "./timers.ts";

/** A preview's moment: every timer has just begun. */
export function previewAt(wall: string): Moment {
  return { now: 0, firstSeen: new Map(), wall, preview: true };
}

/**
 * The next documents, and why what is missing is missing. Deterministic, and total: a document that only a hand can have made
 * is a problem of its Deployment and of no other.
 */
export function decide(state: ClusterState, moment: Moment): Decision {
  const timers = openTimers(moment);
  const placed = placedPods(state);
  const demands = openDemands(state);
  const moves = openMoves(state, placed, timers, moment.preview !== true);
  const names = [...new Set([...state.deployments.keys(), ...state.pods.keys(), ...damagedDeployments(state)])].sort();
  const runs = names.map((name) => startRun({ state, name, placed, timers, demands, moves }));
  const unplaced = new Map<string, UnplacedPod>();
  const stopFirst: StopFirst[] = [];
  const pending = runs.filter(hasPending);
  if (pending.length > 0) {
    const room = roomOf(state, runs, placed, demands);
    for (const run of pending) place(run, room, { unplaced, stopFirst });
  }
  const changes = runs.flatMap((run) => changeOf(run, placed) ?? []);
  const unused = unusedRevisions(state, runs, placed, timers);
  const waits = [...runs.map(({ againInMs }) => againInMs), unused.againInMs].filter((ms) => ms !== undefined);
  return {
    changes,
    unusedRevisions: unused.revisions,
    ...wordsAboutNodes(state),
    unplaced,
    stopFirst,
    problems: [...runs.flatMap(({ problems }) => problems), ...strayProblems(runs, placed)],
    firstSeen: timers.seen,
    ...(waits.length > 0 ? { againInMs: Math.min(...waits) } : {}),
  };
}

/** Placements that no pods document lists: kept, because absence never means anything. */
function strayProblems(runs: readonly Run[], placed: ReadonlyMap<string, PlacedPod>): Problem[] {
  const listed = runs.reduce((sum, run) => sum + run.placedCount, 0);
  if (listed === placed.size) return [];
  const known = new Set(runs.flatMap(({ facts }) => facts.map(({ record }) => record.id)));
  const untouched = new Set(runs.filter(({ facts }) => facts.length === 0).flatMap(troubled));
  return [...placed.values()]
    .filter(({ placement, forgotten }) => !known.has(placement.pod) && !forgotten)
    .filter(({ placement }) => !untouched.has(placement.deployment))
    .map(({ node, placement }) => ({
      deployment: placement.deployment,
      message: `pod ${placement.pod} is placed on ${node} although its Deployment does not list it: it is kept`,
    }));
}

/** Those of which is said already that nothing is done with them. */
function troubled({ name, problems }: Run): string[] {
  return problems.length > 0 ? [name] : [];
}
