// `diff --live`: files, store and engines side by side. Looks, and changes nothing.
import { knownState } from "../../apply/commit.ts";
import { type Drift, driftOf, type EngineLook } from "../../apply/drift.ts";
import { followSelectors, observationOf } from "../../apply/follow.ts";
import type { KnownState, Plan } from "../../apply/plan.ts";
import { messageOf } from "../../model/errors.ts";
import type { Store } from "../../store/store.ts";
import type { Runtime } from "../../worker/runtime.ts";
import type { DriftDocument } from "./drift-text.ts";

/** An engine that is silent for longer is told as one that could not be looked at. */
const engineLimitMs = 10_000;

export interface LiveOptions {
  readonly store: Pick<Store, "list">;
  /** Of applying the files. */
  readonly plan: (state: KnownState) => Plan;
  /** As `Live` has it. */
  readonly corrector?: string;
  /** Whether the node's engine is this machine's. */
  readonly isHere: (node: string) => boolean;
  readonly runtimeOf: (node: string) => Pick<Runtime, "list">;
}

/** Engines are asked before and after the store is read: what only one of both shows is on its way, and no drift. */
export async function lookLive({ store, plan, corrector, isHere, runtimeOf }: LiveOptions): Promise<DriftDocument> {
  const nodes = (await store.list(["nodes"])).list("nodes").map(({ key }) => key.slice("nodes/".length));
  const here = nodes.filter(isHere);
  const first = await askEngines(here, runtimeOf);
  const snapshot = await store.list(followSelectors);
  const second = await askEngines(here, runtimeOf);
  const how = corrector === undefined ? {} : { corrector };
  const seen = { plan: plan(knownState(snapshot)), ...how, ...observationOf(snapshot) };
  const before = new Set(driftOf({ ...seen, engines: first.engines }).map(keyOf));
  return {
    apiVersion: "orchestra/v1",
    kind: "Drift",
    drifts: driftOf({ ...seen, engines: second.engines }).filter((drift) => before.has(keyOf(drift))),
    engines: second.engines.map(({ node }) => node),
    notes: second.notes,
  };
}

async function askEngines(nodes: readonly string[], runtimeOf: LiveOptions["runtimeOf"]) {
  const engines: EngineLook[] = [];
  const notes: string[] = [];
  for (const node of nodes) {
    try {
      engines.push({ node, containers: await runtimeOf(node).list(AbortSignal.timeout(engineLimitMs)) });
    } catch (error) {
      notes.push(`The engine of ${node} could not be asked: ${messageOf(error)}. Its statuses tell what it had last.`);
    }
  }
  return { engines, notes };
}

function keyOf({ kind, name, node = "", container = "" }: Drift): string {
  return `${kind}/${name}/${node}/${container}`;
}
