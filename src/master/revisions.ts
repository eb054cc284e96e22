// Revisions that nobody names any more.
import type { Timers } from "../controller/facts.ts";
import type { ClusterState } from "../model/cluster-state.ts";
import type { PlacedPod } from "./placed-pods.ts";
import type { Run } from "./run.ts";

/** A plan that is too large for one commit writes its revisions before the Deployments that name them: they are given this long. */
const keptForMs = 60_000;

/** Those that neither history nor pods nor placements have named for a while, and when to look again for the others. */
export function unusedRevisions(
  state: ClusterState,
  runs: readonly Run[],
  placed: ReadonlyMap<string, PlacedPod>,
  timers: Timers,
): {
  readonly revisions: readonly { readonly deployment: string; readonly revision: string }[];
  readonly againInMs?: number;
} {
  // What cannot be read may name any of them.
  if ([...(state.damaged?.keys() ?? [])].some((key) => /^(deployments|pods|placements)\//.test(key))) {
    return { revisions: [] };
  }
  const unnamed: { deployment: string; revision: string }[] = [];
  for (const key of state.templates.keys()) {
    const slash = key.indexOf("/");
    const [deployment, revision] = [key.slice(0, slash), key.slice(slash + 1)];
    const document = state.deployments.get(deployment);
    if (document?.revision !== revision && !document?.history?.includes(revision))
      unnamed.push({ deployment, revision });
  }
  if (unnamed.length === 0) return { revisions: [] };
  const used = new Set([...placed.values()].map(({ placement }) => `${placement.deployment}/${placement.revision}`));
  for (const { name, next } of runs) for (const pod of next?.pods ?? []) used.add(`${name}/${pod.revision}`);
  const unused = unnamed.filter(({ deployment, revision }) => !used.has(`${deployment}/${revision}`));
  const left = unused.map(
    ({ deployment, revision }) => keptForMs - timers.elapsed(`revision/${deployment}/${revision}`),
  );
  const againInMs = Math.min(...left.filter((ms) => ms > 0));
  return {
    revisions: unused.filter((_, index) => (left[index] ?? 0) <= 0),
    ...(Number.isFinite(againInMs) ? { againInMs } : {}),
  };
}
