// Writes a plan in one transaction, and says who was first when someone was.
import type { DeploymentDocument } from "../model/deployment.ts";
import { isOrchestraError, OrchestraError } from "../model/errors.ts";
import { deploymentKey, nameOf, revisionKey } from "../model/keys.ts";
import type { PodTemplate } from "../model/template.ts";
import { type Change, type Check, put, type Snapshot, type Store } from "../store/store.ts";
import { changesAnything, type Known, type KnownState, type Plan, type PlanItem } from "./plan.ts";

/** What a plan looks at; a snapshot of more will do too. */
export const planSelectors = ["deployments", "revisions"] as const;

/** A plan that met others' changes is made again at most so often: each time someone else has got on. */
const attemptsLimit = 8;

/** So many of the Deployments that must not be touched are named, the rest is counted. */
const namedLimit = 10;

/** What the plan needs to know of a snapshot that holds `planSelectors`. */
export function knownState(snapshot: Snapshot): KnownState {
  return {
    deployments: new Map(
      snapshot.list("deployments").map((found): [string, Known<DeploymentDocument>] => [nameOf(found.key), found]),
    ),
    revisions: new Map(
      snapshot.list("revisions").map((found): [string, Known<PodTemplate>] => [nameOf(found.key), found]),
    ),
    damaged: snapshot.damaged,
  };
}

/**
 * Commits `plan`, and gives the plan that was written. It names the versions of what it changes and nothing else, so that others'
 * Deployments never get in its way. `replan` makes the plan anew where what changed meanwhile is no decision against it:
 * the end of a deletion that it overwrites, an old revision that was cleared away, the same manifest applied or the same Deployment
 * deleted by someone else. What it then writes of each Deployment is what `plan` showed, or nothing.
 * Any other change of a Deployment that would be written is a `conflict` that names both sides, also where `plan` left it
 * unchanged; nothing is written then. `checks`: documents of others that must be as the caller knows them.
 */
export async function commitPlan(
  store: Pick<Store, "list" | "commit">,
  plan: Plan,
  replan: (state: KnownState) => Plan,
  checks: readonly Check[] = [],
): Promise<Plan> {
  let current = plan;
  for (let attempt = 1; ; attempt += 1) {
    refuseBlocked(current);
    if (!changesAnything(current)) return current;
    try {
      const commit = commitOf(current);
      await store.commit({ ...commit, checks: [...commit.checks, ...checks] });
      return current;
    } catch (error) {
      if (!isOrchestraError(error, "conflict") || attempt === attemptsLimit) throw error;
      const found = knownState(await store.list(planSelectors));
      refuseGone(current, found, error);
      const now = withDeletionsDone(found, current);
      const next = replan(now);
      refuseUnseen(current, next, error);
      current = next;
    }
  }
}

/** Throws a conflict with the reason of every Deployment that must not be touched. */
export function refuseBlocked(plan: Plan): void {
  const reasons = plan.items.flatMap(({ reason }) => (reason ? [reason] : []));
  const [first] = reasons;
  if (!first) return;
  const named = reasons.slice(0, namedLimit).map(({ message }) => message);
  const rest = reasons.length - named.length;
  const message = [...named, ...(rest > 0 ? [`and ${rest} more like these`] : [])].join("; ");
  throw new OrchestraError("conflict", message, { hint: first.hint });
}

function commitOf(plan: Plan): { changes: Change[]; checks: Check[] } {
  const changes: Change[] = [];
  const checks: Check[] = [];
  for (const { name, before, after, revision } of plan.items) {
    if (!after) continue;
    const key = revisionKey(name, after.revision);
    if (revision?.version === "absent" || revision?.damaged)
      changes.push(put(key, revision.template, revision.version));
    else if (revision) checks.push({ key, version: revision.version });
    changes.push(put(deploymentKey(name), after, before?.version ?? "absent"));
  }
  return { changes, checks };
}

/** Throws where a Deployment has gone meanwhile that the plan did not know to be going. */
function refuseGone(plan: Plan, now: KnownState, cause: OrchestraError): void {
  for (const { name, before, after } of plan.items) {
    if (!after || after.deleted || !before || before.value.deleted || isThere(now, name)) continue;
    throw gone(name, after, cause);
  }
}

/** What the plan deletes and is gone stands as deleted: it is as it was asked for, and no name that somebody mistyped. */
function withDeletionsDone(state: KnownState, plan: Plan): KnownState {
  const deployments = new Map(state.deployments);
  for (const { name, before, after } of plan.items) {
    // Somebody else's deletion was going on already where there is nothing to write.
    const last = after ?? before?.value;
    if (!last?.deleted || !before || isThere(state, name)) continue;
    deployments.set(name, { value: last, version: before.version });
  }
  return { ...state, deployments };
}

/** A damaged document is no absent one. */
function isThere({ deployments, damaged }: KnownState, name: string): boolean {
  return deployments.has(name) || damaged?.has(deploymentKey(name)) === true;
}

/** Throws where the new plan would write what the first one did not show: on top of what someone else wrote since, or where it wrote nothing. */
function refuseUnseen(plan: Plan, next: Plan, cause: OrchestraError): void {
  const shown = new Map(plan.items.map((item) => [item.name, item]));
  for (const { name, before: theirs, after } of next.items) {
    if (!after) continue;
    const item = shown.get(name);
    const before = item?.before;
    if (theirs && theirs.version !== before?.version) {
      throw changedSince({ name, before, after: item?.after ?? after, theirs: theirs.value, cause });
    }
    if (item?.after) continue;
    throw theirs ? torn(name, after, cause) : gone(name, after, cause);
  }
}

function gone(name: string, ours: DeploymentDocument, cause: OrchestraError): OrchestraError {
  return unseen(`${name} was deleted while this was planned`, name, ours, cause);
}

function torn(name: string, ours: DeploymentDocument, cause: OrchestraError): OrchestraError {
  return unseen(`the template of ${name} was removed while this was planned`, name, ours, cause);
}

/** Who it was stands nowhere any more. */
function unseen(what: string, name: string, ours: DeploymentDocument, cause: OrchestraError): OrchestraError {
  return new OrchestraError("conflict", `${what}; nothing was written`, {
    hint: "orchestra diff shows what applying would do now",
    cause,
    details: { deployment: name, ours: sideOf(ours) },
  });
}

interface Sides {
  readonly name: string;
  readonly before: PlanItem["before"];
  readonly after: DeploymentDocument;
  readonly theirs: DeploymentDocument;
  readonly cause?: OrchestraError;
}

/** The conflict of a change with what somebody else has made of the same Deployment since. */
export function changedSince({ name, before, after, theirs, cause }: Sides): OrchestraError {
  const isOther = before !== undefined && before.value.uid !== theirs.uid;
  const did = theirs.deleted ? "deleted" : isOther ? "created anew" : before ? "changed" : "created";
  const { by, at } = theirs.updated;
  const rested = before ? `generation ${before.value.generation}` : "its absence";
  const message =
    `${name} was ${did} by ${by} at ${at} (now generation ${theirs.generation}), ` +
    `while this change by ${after.updated.by} rests on ${rested}; nothing was written`;
  return new OrchestraError("conflict", message, {
    hint: "orchestra diff shows both together now; run the command again to have yours on top",
    cause,
    details: { deployment: name, ours: sideOf(after), theirs: sideOf(theirs) },
  });
}

function sideOf({ updated, generation, revision }: DeploymentDocument): Readonly<Record<string, unknown>> {
  return { ...updated, generation, revision };
}
