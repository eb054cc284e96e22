// What a run has come to, in the words of a forecast: the same pods created, replaced, moved, stopped and left alone, and the room that is then.
import type { Forecast } from "../../src/apply/forecast.ts";
import type { FreeRoom } from "../../src/apply/free-room.ts";
import type { ClusterState } from "../../src/model/cluster-state.ts";
import { isLive } from "../../src/model/phase.ts";
import { podName } from "../../src/model/pod.ts";
import { resolveResources } from "../../src/model/template.ts";
import { allPlacements, nodesOf, statusOf } from "./simulator.ts";

export interface Outcome {
  readonly created: readonly string[];
  readonly replaced: readonly string[];
  readonly moved: readonly string[];
  readonly stopped: readonly string[];
  readonly unplaced: readonly string[];
  readonly untouched: number;
}

/** What was told, to the node. */
export function exact({ created, replaced, moved, stopped, unplaced, untouched }: Forecast): Outcome {
  const placed = (pods: Forecast["created"]) => pods.map(({ name, node }) => `${name} on ${node}`).sort();
  return {
    created: placed(created),
    replaced: placed(replaced),
    moved: moved.map(({ name, from, node }) => `${name} on ${node} from ${from}`).sort(),
    stopped: placed(stopped),
    unplaced: unplaced.map(({ name }) => name).sort(),
    untouched,
  };
}

/** Without the nodes, which depend on who was where when; so does whether a replaced pod is one that only moved. */
export function names({ created, replaced, moved, ...others }: Outcome) {
  const named = (pods: readonly string[]) => pods.map((pod) => pod.split(" ")[0]).sort();
  return {
    ...others,
    created: named(created),
    replaced: named([...replaced, ...moved]),
    stopped: named(others.stopped),
  };
}

/** What has become of the pods of one Deployment. */
export function outcomeOf(name: string, before: ClusterState, after: ClusterState): Outcome {
  const [was, is] = [nodesOf(before), nodesOf(after)];
  const ran = livePods(name, before).filter(({ id }) => was.has(id));
  const old = new Map(ran.map((pod) => [pod.slot, pod]));
  const known = new Set(livePods(name, before).map(({ id }) => id));
  const now = livePods(name, after);
  const made = now.filter(({ id }) => !known.has(id));
  const placed = made.filter(({ id }) => is.has(id));
  const said: Record<"created" | "replaced" | "moved", string[]> = { created: [], replaced: [], moved: [] };
  for (const { id, slot, revision } of placed) {
    const former = old.get(slot);
    const text = `${podName(name, slot)} on ${is.get(id)}`;
    const from = former && was.get(former.id);
    if (!former) said.created.push(text);
    else if (former.revision === revision && from !== undefined && from !== is.get(id))
      said.moved.push(`${text} from ${from}`);
    else said.replaced.push(text);
  }
  const left = [...old.values()].filter(({ slot }) => !now.some((pod) => pod.slot === slot));
  const successors = new Set(placed.map(({ slot }) => slot));
  return {
    created: said.created.sort(),
    replaced: said.replaced.sort(),
    moved: said.moved.sort(),
    stopped: left.map(({ id, slot }) => `${podName(name, slot)} on ${was.get(id)}`).sort(),
    unplaced: made
      .filter(({ id }) => !is.has(id))
      .map(({ slot }) => podName(name, slot))
      .sort(),
    untouched: new Set(now.filter(({ id, slot }) => known.has(id) && !successors.has(slot)).map(({ slot }) => slot))
      .size,
  };
}

export function livePods(name: string, state: ClusterState) {
  return (state.pods.get(name)?.pods ?? []).filter(({ stop }) => !stop);
}

/** All its pods are ready, and nothing is under way; or there are none. */
export function isAtRest(name: string, state: ClusterState): boolean {
  const { pods = [], rollout } = state.pods.get(name) ?? {};
  return pods.length === 0 || (rollout?.state === "complete" && readyOf(name, state) === pods.length);
}

/** Pods of a Deployment that serve: their worker is there and says so, and nobody has told them to stop. */
export function readyOf(name: string, state: ClusterState): number {
  const placed = allPlacements(state).filter(({ pod }) => pod.deployment === name && !pod.stop);
  return placed.filter(
    ({ node, pod }) => isLive(state.verdicts.get(node)) && statusOf(state, node, pod.pod)?.phase === "ready",
  ).length;
}

/** What is free on each node, added up pod by pod. */
export function roomsOf(state: ClusterState): ReadonlyMap<string, FreeRoom> {
  return new Map(
    [...state.nodes].map(([name, { capacity }]) => {
      const here = allPlacements(state).filter(({ node }) => node === name);
      const taken = here.map(({ pod }) => {
        const template = state.templates.get(`${pod.deployment}/${pod.revision}`);
        return template ? resolveResources(template) : { cpuMilli: 0, memoryBytes: 0 };
      });
      const sum = (field: "cpuMilli" | "memoryBytes") => taken.reduce((total, one) => total + one[field], 0);
      return [
        name,
        {
          cpuMilli: Math.max(0, capacity.cpuMilli - sum("cpuMilli")),
          memoryBytes: Math.max(0, capacity.memoryBytes - sum("memoryBytes")),
          pods: here.length,
        },
      ];
    }),
  );
}
