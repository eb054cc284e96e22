// An apply as it is told by its plan, and as a real master and real workers carry it out; and whether the two are the same.
import assert from "node:assert/strict";
import { commitPlan } from "../../src/apply/commit.ts";
import { commitPrune } from "../../src/apply/commit-prune.ts";
import type { Author } from "../../src/apply/document.ts";
import { observationOf } from "../../src/apply/follow.ts";
import type { Forecast, Forecasts } from "../../src/apply/forecast.ts";
import { judgedState } from "../../src/apply/model-cluster.ts";
import { type KnownState, type Plan, planApply } from "../../src/apply/plan.ts";
import { pruneOf, withoutPrune } from "../../src/apply/prune.ts";
import { goalOf, judge } from "../../src/apply/wait.ts";
import { lookAt, lookSelectors } from "../../src/cli/change/change-look.ts";
import { decide, previewAt } from "../../src/master/decide.ts";
import type { ClusterState } from "../../src/model/cluster-state.ts";
import { isLive } from "../../src/model/phase.ts";
import { podName } from "../../src/model/pod.ts";
import { explanationText } from "../../src/scheduler/explain.ts";
import type { Snapshot, Store } from "../../src/store/store.ts";
import { type Shop, shopText } from "./any-shop.ts";
import { builtAt } from "./builders.ts";
import { eventually } from "./eventually.ts";
import { loadText } from "./manifests.ts";
import { exact, isAtRest, livePods, names, outcomeOf, readyOf, roomsOf } from "./outcomes.ts";
import { allPlacements, nodesOf, statusOf } from "./simulator.ts";
import { withOthers } from "./sync-lab.ts";

/** A machine under load. */
const limitMs = 30_000;

/** The same store, but whoever looks at it is woken only when no worker that is there has anything left to do. */
export function inStep(store: Store): Store {
  return withOthers(store, {
    async view(selectors) {
      const view = await store.view(selectors);
      const isDone = () => areWorkersDone(observationOf(view.snapshot()).state);
      return {
        snapshot: () => view.snapshot(),
        onChange: (wake) => view.onChange(() => isDone() && wake()),
        close: () => view.close(),
      };
    },
  });
}

/** Waits until nobody has anything left to do. */
export async function calm(store: Store): Promise<Snapshot> {
  return eventually(
    "nothing is left to do",
    async () => {
      const snapshot = await store.list(lookSelectors);
      const { state, present } = observationOf(snapshot);
      const isJudged = [...state.nodes.keys()].every((name) => isLive(state.verdicts.get(name)) === present.has(name));
      const isDone = isJudged && areWorkersDone(state) && decide(state, previewAt(builtAt)).changes.length === 0;
      return isDone ? snapshot : undefined;
    },
    limitMs,
  );
}

function areWorkersDone(state: ClusterState): boolean {
  return allPlacements(state).every(({ node, pod }) => {
    const isThere = isLive(state.verdicts.get(node));
    return !isThere || statusOf(state, node, pod.pod)?.phase === (pod.stop ? "stopped" : "ready");
  });
}

export interface Run {
  readonly plan: Plan;
  readonly forecasts: Forecasts;
  /** Whether a worker was there when it was planned. */
  readonly running: boolean;
  readonly before: ClusterState;
  readonly after: ClusterState;
  /** The rest got ready, so that what the manifests lack was deleted, if there was any. */
  readonly isPruned: boolean;
  /** How few pods of each Deployment were ready at the worst moment that was seen. */
  readonly least: ReadonlyMap<string, number>;
}

export interface Applying {
  readonly shop: Shop;
  readonly who: Author;
  /** Called when all but the deletions has been written. */
  readonly written: () => Promise<void>;
}

/** As `apply --prune` does it: all but the deletions, and these when the rest is ready. */
export async function runApply(store: Store, { shop, who, written }: Applying): Promise<Run> {
  const { manifests } = await loadText(shopText(shop));
  const plan = (state: KnownState) => planApply(state, manifests, who, { prune: true });
  const { plan: planned, forecasts, running, snapshot } = await lookAt(store, plan);
  const before = judgedState(observationOf(snapshot ?? assert.fail("there is a store")).state, running);
  const watched = await watch(store, planned);
  try {
    await commitPlan(store, withoutPrune(planned), (state) => withoutPrune(plan(state)));
    await written();
    const rest = observationOf(await calm(store));
    const goals = withoutPrune(planned).items.flatMap((item) => goalOf(item) ?? []);
    const isPruned = judge(rest.state, rest.present, goals).every(({ state }) => state === "done");
    if (isPruned) await commitPrune(store, planned, plan);
    const { state: after } = observationOf(await calm(store));
    return { plan: planned, forecasts, running, before, after, isPruned, least: watched.least };
  } finally {
    watched.end();
  }
}

async function watch(store: Store, { items }: Plan) {
  const view = await store.view(lookSelectors);
  const least = new Map<string, number>();
  const look = () => {
    const { state } = observationOf(view.snapshot());
    for (const { name } of items) least.set(name, Math.min(least.get(name) ?? Infinity, readyOf(name, state)));
  };
  look();
  view.onChange(look);
  return { least, end: () => view.close() };
}

export interface Comparing {
  /** Workers had finished all that they had to do whenever the master looked: it is told to the node and the byte. */
  readonly keepsStep: boolean;
  readonly shop: Shop;
}

/** Throws where the run was another one than was told, with both. */
export function compareRun(run: Run, comparing: Comparing): void {
  try {
    compare(run, comparing.keepsStep);
  } catch (error) {
    const pods = (state: ClusterState) =>
      [...state.pods].map(([name, document]) => [
        name,
        document.pods.map((pod) => ({ ...pod, on: nodesOf(state).get(pod.id) })),
      ]);
    const { before, after, forecasts, ...others } = run;
    const shown = {
      ...others,
      shop: [...comparing.shop],
      told: [...forecasts.deployments],
      nodes: [...before.nodes.keys()].map((name) => [name, before.verdicts.get(name), before.controls.get(name)]),
      before: pods(before),
      after: pods(after),
    };
    throw new Error(`${(error as Error).message}\n${JSON.stringify(shown)}`, { cause: error });
  }
}

function compare(run: Run, keepsStep: boolean): void {
  const { plan, forecasts, before, after, isPruned } = run;
  const { items: deletions } = pruneOf(plan);
  for (const { name } of isPruned ? plan.items : withoutPrune(plan).items) {
    const told = forecasts.deployments.get(name);
    if (!told) continue;
    const done = outcomeOf(name, before, after);
    if (keepsStep) assert.deepEqual(done, exact(told), name);
    else assert.deepEqual(names(done), names(exact(told)), name);
    compareReady(name, told, run, keepsStep);
    compareUnplaced(told, after);
  }
  for (const name of before.deployments.keys())
    if (!forecasts.deployments.has(name)) compareUntold(name, before, after);
  for (const { name } of deletions) {
    if (isPruned) compareGone(name, after);
    else assert.deepEqual(after.deployments.get(name), before.deployments.get(name), `${name} is kept back`);
  }
  // Deletions that are kept back leave their room taken.
  if (isPruned || deletions.length === 0) {
    if (keepsStep) compareRooms(forecasts, before, after);
  } else
    assert.ok(isAnyShort(forecasts) || !isWhole(before), "what keeps the deletions back was told, or there before");
}

function compareReady(
  name: string,
  { ready: { now, least, after: end, wanted }, downtime }: Forecast,
  { before, after, running, least: seen }: Run,
  keepsStep: boolean,
): void {
  assert.equal(readyOf(name, before), now, `${name} is ready now`);
  assert.equal(Math.min(readyOf(name, after), wanted), end, `${name} is ready in the end`);
  // In the middle of a rollout a strategy may allow more at once than workers who keep step come to; and where nothing runs, nobody tells what is ready.
  if (!running || !(keepsStep || isAtRest(name, before))) return;
  const fewest = seen.get(name) ?? 0;
  assert.ok(fewest >= least, `${name}: ${fewest} were ready, and ${least} were told`);
  if (now > 0 && fewest === 0) assert.ok(downtime, `the downtime of ${name} was told`);
}

/** Each has no place, for the reason that was told. */
function compareUnplaced({ unplaced }: Forecast, after: ClusterState): void {
  const { unplaced: found } = decide(after, previewAt(builtAt));
  const reasons = new Map(
    [...found.values()].map(({ deployment, slot, explain }) => [podName(deployment, slot), explanationText(explain())]),
  );
  for (const { name, reason } of unplaced) assert.equal(reasons.get(name), reason, name);
}

/** What is not told of keeps its pods where they are, and may find places for others. */
function compareUntold(name: string, before: ClusterState, after: ClusterState): void {
  if (!isAtRest(name, before)) return;
  const pods = (state: ClusterState) => livePods(name, state).map(({ id }) => `${id} on ${nodesOf(state).get(id)}`);
  assert.deepEqual(pods(after), pods(before), `${name} is left alone`);
}

/** What of it is on nodes whose worker is away goes when that is back. */
function compareGone(name: string, after: ClusterState): void {
  const left = allPlacements(after).filter(
    ({ node, pod }) => pod.deployment === name && isLive(after.verdicts.get(node)),
  );
  assert.deepEqual(left, [], `${name} is gone`);
  const document = after.deployments.get(name);
  const isAway = allPlacements(after).some(({ pod }) => pod.deployment === name);
  assert.ok(isAway ? document?.deleted : !document, `${name} is gone, or on its way`);
}

function compareRooms({ nodes }: Forecasts, before: ClusterState, after: ClusterState): void {
  const rooms = roomsOf(before);
  for (const [name, room] of roomsOf(after)) {
    const told = nodes.find((one) => one.name === name);
    if (told) assert.deepEqual([rooms.get(name), room], [told.before, told.after], `the room of ${name}`);
    else assert.deepEqual(room, rooms.get(name), `the room of ${name}`);
  }
}

function isAnyShort({ deployments }: Forecasts): boolean {
  return [...deployments.values()].some(({ unplaced, ready }) => unplaced.length > 0 || ready.after < ready.wanted);
}

/** All nodes are there, and all pods have a place. */
function isWhole(state: ClusterState): boolean {
  const isPlaced = (pods: readonly { readonly id: string }[]) => pods.every(({ id }) => nodesOf(state).has(id));
  return (
    [...state.nodes.keys()].every((name) => isLive(state.verdicts.get(name))) &&
    [...state.pods.values()].every(({ pods }) => isPlaced(pods))
  );
}
