// What a plan does to the pods of a fixture: forecasts of applies.
import type { Wanted } from "../../src/apply/document.ts";
import { type Forecast, forecast } from "../../src/apply/forecast.ts";
import { type KnownState, planApply } from "../../src/apply/plan.ts";
import type { ClusterState } from "../../src/model/cluster-state.ts";
import { builtAt, type ClusterFixture, revisionOf, stateOf } from "./builders.ts";
import { author, wanted } from "./plans.ts";

/** What the plan would read of it. */
export function known({ deployments, templates }: ClusterState): KnownState {
  return {
    deployments: new Map([...deployments].map(([name, value]) => [name, { value, version: 1 }])),
    revisions: new Map([...templates].map(([name, value]) => [name, { value, version: 1 }])),
  };
}

/** A manifest with the revisions that the builders give, so that an unchanged template is one. */
export function manifest(name: string, spec: Parameters<typeof wanted>[1]): Wanted {
  const made = wanted(name, spec);
  return { ...made, revision: revisionOf(made.spec.template) };
}

/** The forecasts of applying these manifests. */
export function applied(
  fixture: ClusterFixture,
  running: boolean,
  ...manifests: Wanted[]
): ReadonlyMap<string, Forecast> {
  const state = stateOf(fixture);
  return forecast(state, planApply(known(state), manifests, author()), { wall: builtAt, running }).deployments;
}
