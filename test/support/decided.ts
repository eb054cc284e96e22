// What a decision makes of `web`, as short texts: for tables of rules.
import { nextState } from "../../src/master/changes.ts";
import { decide } from "../../src/master/decide.ts";
import type { Decision } from "../../src/master/decision.ts";
import type { Moment } from "../../src/master/timers.ts";
import type { ClusterState } from "../../src/model/cluster-state.ts";
import { builtAt, type ClusterFixture, revisionOf, stateOf } from "./builders.ts";

export interface Decided {
  readonly decision: Decision;
  readonly state: ClusterState;
  /** `slot@node revision reason-to-stop`; the wanted revision of the builders is left out, and `-` is no node. */
  readonly pods: readonly string[];
}

/** Decides once, with every timer just begun unless the moment says otherwise. */
export function decided(fixture: ClusterFixture | ClusterState, moment: Partial<Moment> = {}): Decided {
  const before = "placements" in fixture ? fixture : stateOf(fixture);
  const decision = decide(before, { now: 0, firstSeen: new Map(), wall: builtAt, ...moment });
  const state = nextState(before, decision);
  const nodes = new Map(
    [...state.placements].flatMap(([node, { placements }]) => placements.map(({ pod }) => [pod, node] as const)),
  );
  const pods = (state.pods.get("web")?.pods ?? []).map(({ id, slot, revision, stop }) =>
    [
      `${slot}@${nodes.get(id) ?? "-"}`,
      ...(revision === revisionOf() ? [] : [revision]),
      ...(stop ? [stop.reason] : []),
    ].join(" "),
  );
  return { decision, state, pods };
}
