// Random worlds in the middle of whatever they are at, and random manifests that are applied to them with all that the manifests lack pruned.
import fc from "fast-check";
import type { Wanted } from "../../src/apply/document.ts";
import { type Forecasts, forecast } from "../../src/apply/forecast.ts";
import { type Plan, planApply } from "../../src/apply/plan.ts";
import { withoutPrune } from "../../src/apply/prune.ts";
import type { ClusterState } from "../../src/model/cluster-state.ts";
import { wantedReplicas } from "../../src/model/deployment.ts";
import type { NodeDocument } from "../../src/model/node.ts";
import { builtAt, node } from "./builders.ts";
import { known, manifest } from "./forecasts.ts";
import { author } from "./plans.ts";
import { type Action, contentOf, openWorld, type Shape, type World } from "./simulator.ts";

/** Deployments that may be there, and one more that only manifests have. */
const there = ["api", "db", "web"] as const;
const planned = [...there, "new"] as const;
const nodeNames = ["n1", "n2", "n3", "n4"] as const;

/** More than any node has. */
export const tooMuchMemory = "100Gi";
const countOrPercent = fc.constantFrom(0, 1, 2, "25%", "100%");
const shape: fc.Arbitrary<Shape> = fc.record({
  strategy: fc.record({ maxSurge: countOrPercent, maxUnavailable: countOrPercent }),
  placement: fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom({}, { spread: "none" as const }) },
    { weight: 1, arbitrary: fc.constantFrom({ maxPerNode: 1 }, { nodeSelector: { disk: "ssd" } }) },
  ),
  hostPort: fc.nat(9).map((one) => one === 0),
  memory: fc.oneof(
    { weight: 20, arbitrary: fc.constant("64Mi") },
    { weight: 2, arbitrary: fc.constantFrom("1Gi", "3Gi") },
    { weight: 1, arbitrary: fc.constant(tooMuchMemory) },
  ),
});
const content = fc.record({ version: fc.nat(1), replicas: fc.nat(5), shape });
type Content = typeof content extends fc.Arbitrary<infer T> ? T : never;
const apply = fc
  .tuple(fc.constantFrom(...there), content)
  .map(([name, said]): Action => ({ do: "apply", name, ...said }));

type Fate = "forward" | "crash";
/** What master and workers do. */
export const moves = (...fates: Fate[]): fc.Arbitrary<Action>[] => [
  fc.constant({ do: "pass" }),
  fc.constant({ do: "workers" }),
  fc.record({ do: fc.constant("worker" as const), pick: fc.nat(20), fate: fc.constantFrom(...fates) }),
];

const happens = fc.record({
  do: fc.constantFrom("cordon", "cordon", "drain", "label", "absent", "absent", "lost", "engine", "silence"),
  node: fc.constantFrom(...nodeNames),
  on: fc.boolean(),
});
/** All that may have happened before. */
const storm = (...fates: Fate[]): fc.Arbitrary<Action[]> => {
  const usual = moves(...fates).map((arbitrary) => ({ weight: 10, arbitrary }));
  const deletion = fc.constantFrom(...there).map((name): Action => ({ do: "delete", name }));
  const rare = [
    { weight: 5, arbitrary: apply },
    { weight: 2, arbitrary: happens },
    { weight: 1, arbitrary: deletion },
    { weight: 1, arbitrary: fc.boolean().map((on): Action => ({ do: "hold", on })) },
  ];
  return fc.array(fc.oneof(...usual, ...rare), { maxLength: 60, size: "max" });
};

const gibibyte = 1024 ** 3;
/** The size of each node, in gibibytes. */
const sizes = fc.array(fc.constantFrom(1, 2, 4, 8, 8, 8), { minLength: 1, maxLength: nodeNames.length });
/** Of each Deployment: what its manifest says, `same` for what it is already, `none` where there is no manifest. */
const manifests = fc.record(
  Object.fromEntries(planned.map((name) => [name, fc.oneof(content, content, fc.constantFrom("same", "none"))])),
);
type Manifests = Readonly<Record<string, Content | string>>;
const changing = {
  sizes,
  settles: fc.nat(3).map((one) => one > 0),
  idle: fc.nat(3).map((one) => one === 0),
  manifests,
};
/** A world and a change of it, with such fates of pods before. */
export const changes = (...fates: Fate[]): fc.Arbitrary<Changing> => fc.record({ ...changing, storm: storm(...fates) });

export interface Changing {
  readonly sizes: readonly number[];
  readonly storm: readonly Action[];
  /** All that can come to rest has, before the plan is made. */
  readonly settles: boolean;
  /** Nothing runs on the store while the plan is made. */
  readonly idle: boolean;
  readonly manifests: Manifests;
}

export interface Changed {
  readonly world: World;
  readonly before: ClusterState;
  readonly plan: Plan;
  readonly told: Forecasts;
}

/** The world when all but the deletions has been written; what was planned, and what was told of that. */
export function changedWorld({ sizes: gibibytes, storm: actions, settles, idle, manifests: said }: Changing): Changed {
  const nodes = gibibytes.map((size, index): [string, NodeDocument] => {
    const capacity = { cpuMilli: 4_000, memoryBytes: size * gibibyte, pids: 0 };
    return [nodeNames[index] ?? "", node({ labels: { disk: "ssd" }, capacity })];
  });
  const world = openWorld(Object.fromEntries(nodes));
  const isThere = (action: Action) => !("node" in action) || world.state().nodes.has(action.node);
  for (const action of actions) if (isThere(action)) world.act(action);
  if (settles) world.settle();
  const everywhere = (on: boolean) => {
    for (const [name] of nodes) world.act({ do: "absent", node: name, on });
  };
  if (idle) everywhere(true);
  const before = world.state();
  const plan = planApply(known(before), wantedOf(before, said), author(), { prune: true });
  const told = forecast(before, plan, { wall: builtAt, running: !idle });
  world.act({ do: "commit", plan: withoutPrune(plan) });
  // When something runs again its nodes are there.
  if (idle) everywhere(false);
  if (idle) world.act({ do: "hold", on: false });
  return { world, before, plan, told };
}

function wantedOf(state: ClusterState, said: Manifests): Wanted[] {
  return Object.entries(said).flatMap(([name, what]) => {
    if (typeof what !== "string") {
      const { version, replicas, shape: is } = what;
      const { strategy, placement } = is;
      return [manifest(name, { template: contentOf(version, is), replicas, strategy, placement })];
    }
    const document = state.deployments.get(name);
    const template = document && state.templates.get(`${name}/${document.revision}`);
    if (what === "none" || !document || !template) return [];
    const { strategy = {}, placement = {} } = document;
    return [manifest(name, { template, replicas: wantedReplicas(document), strategy, placement })];
  });
}
