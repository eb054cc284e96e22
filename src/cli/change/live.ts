// `diff --live`: files, store and engines side by side. Looks, and changes nothing.
import pLimit from "p-limit";
import { knownState } from "../../apply/commit.ts";
import { type Drift, driftOf, type EngineLook } from "../../apply/drift.ts";
import { followSelectors, observationOf } from "../../apply/follow.ts";
import type { KnownState, Plan } from "../../apply/plan.ts";
import { type ClusterState, templateOf } from "../../model/cluster-state.ts";
import { isOrchestraError, messageOf } from "../../model/errors.ts";
import { resolveResources } from "../../model/template.ts";
import type { Store } from "../../store/store.ts";
import type { Runtime } from "../../worker/runtime.ts";
import type { DriftDocument } from "./drift-text.ts";

/** An engine answers as fast for so many as for one. */
const asksAtOnce = 8;
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
  readonly runtimeOf: (node: string) => Pick<Runtime, "list" | "changed">;
}

type Engine = ReturnType<LiveOptions["runtimeOf"]>;

/** Engines are asked before and after the store is read: what only one of both shows is on its way, and no drift. */
export async function lookLive({ store, plan, corrector, isHere, runtimeOf }: LiveOptions): Promise<DriftDocument> {
  const nodes = (await store.list(["nodes"])).list("nodes").map(({ key }) => key.slice("nodes/".length));
  const here = nodes.filter(isHere);
  const first = await askEngines(here, runtimeOf);
  const snapshot = await store.list(followSelectors);
  const second = await askEngines(here, runtimeOf);
  const how = corrector === undefined ? {} : { corrector };
  const observed = observationOf(snapshot);
  const seen = { plan: plan(knownState(snapshot)), ...how, ...observed };
  const before = new Set(driftOf({ ...seen, engines: first.engines }).map(keyOf));
  const { engines, notes } = await withChanged(second, observed.state, runtimeOf);
  return {
    apiVersion: "orchestra/v1",
    kind: "Drift",
    // A container is made with what it has: nothing of that is on its way.
    drifts: driftOf({ ...seen, engines }).filter((drift) => drift.kind === "updated" || before.has(keyOf(drift))),
    engines: engines.map(({ node }) => node),
    notes,
  };
}

interface Asked {
  readonly engines: readonly EngineLook[];
  readonly notes: readonly string[];
}

/** The same with what somebody has changed of the containers that are there, where it is known what they were made from. */
async function withChanged(
  { engines, notes }: Asked,
  state: ClusterState,
  runtimeOf: LiveOptions["runtimeOf"],
): Promise<Asked> {
  const looks: EngineLook[] = [];
  const more: string[] = [];
  for (const engine of engines) {
    try {
      looks.push({ ...engine, changed: await changedOf(engine, state, runtimeOf(engine.node)) });
    } catch (error) {
      looks.push(engine);
      more.push(`The engine of ${engine.node} did not tell the limits of all containers: ${messageOf(error)}.`);
    }
  }
  return { engines: looks, notes: [...notes, ...more] };
}

async function changedOf({ containers }: EngineLook, state: ClusterState, runtime: Engine) {
  const signal = AbortSignal.timeout(engineLimitMs);
  const limit = pLimit(asksAtOnce);
  const changed = await Promise.all(
    containers.map(({ id, deployment, revision }) =>
      limit(async () => {
        const template = templateOf(state, deployment, revision);
        if (!template) return [id, []] as const;
        const resources = resolveResources(template);
        return [id, await runtime.changed(id, { resources }, signal).catch(unlessGone)] as const;
      }),
    ),
  );
  return new Map(changed);
}

function unlessGone(error: unknown): [] {
  if (isOrchestraError(error, "not-found")) return [];
  throw error;
}

async function askEngines(nodes: readonly string[], runtimeOf: LiveOptions["runtimeOf"]): Promise<Asked> {
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
