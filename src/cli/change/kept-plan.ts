// A plan that is kept in a file and carried out later: exactly that, or nothing. What it rests on is in it, and what it would do for people;
// what it writes is not, because values of the environment would be: that is read from the manifests again, which must be the same.
import { relative } from "node:path";
import type { Author } from "../../apply/document.ts";
import type { Forecast, Forecasts } from "../../apply/forecast.ts";
import type { Limits } from "../../apply/guards.ts";
import {
  isCarriedOut,
  isRestCarriedOut,
  type Moved,
  movedCluster,
  movedDeployments,
  movedFiles,
} from "../../apply/moved.ts";
import { movedOutcomes, type Outcome, outcomeOf } from "../../apply/outcome.ts";
import { changesAnything, type KnownState, type Plan } from "../../apply/plan.ts";
import { withoutPrune } from "../../apply/prune.ts";
import { type Bond, bondOf, tokenOf } from "../../apply/token.ts";
import type { LoadedManifest, ReadFile } from "../../manifest/manifest.ts";
import { isManifestName } from "../../manifest/names.ts";
import type { ClusterDocument } from "../../model/cluster.ts";
import { isOrchestraError, OrchestraError } from "../../model/errors.ts";
import { type ReadOptions, readManifests } from "./change-flags.ts";
import { planDocument } from "./plan-document.ts";
import { readSaved, type SavedKind, writeSaved } from "./saved-file.ts";

/** What a plan file says, as far as it is read again. */
export interface KeptPlan {
  readonly token: string;
  /** As they were given with `-f`. */
  readonly paths: readonly string[];
  readonly files: readonly ReadFile[];
  /** Absent: there was no cluster yet. */
  readonly cluster?: { readonly id: string; readonly incarnation: number };
  readonly bond: Bond;
  /** What it said that it does, by Deployment. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
  /** Whose the manifests are, as it was when the plan was made. */
  readonly origin: Pick<Author, "source" | "adopt">;
  /** What the manifests lack is deleted. */
  readonly prune?: true;
  /** What it may do before a person is asked, as it was told when it was made. Absent: it was kept by an earlier release, or does not prune. */
  readonly limits?: Limits;
}

/** What `diff --out` keeps. */
export interface PlanToKeep {
  readonly plan: Plan;
  readonly forecasts: Forecasts;
  readonly cluster: ClusterDocument | undefined;
  /** Who made it, and when: for people. */
  readonly author: Author;
  readonly paths: readonly string[];
  readonly files: readonly ReadFile[];
  readonly limits: Limits;
  readonly showValues: boolean;
}

const kind: SavedKind = {
  kind: "SavedPlan",
  noun: "plan",
  format: 1,
  // The fields of 20,000 Deployments that are created fit.
  bytesLimit: 128 * 1024 ** 2,
  hint: "make one with: orchestra diff -f … --out FILE",
  altered: "conflict",
  written: { flag: "--out", insteadOfDash: "name a file, as --out plan.json; what diff prints is for people" },
  read: { flag: "--plan", insteadOfDash: "name the file that diff --out has written, as --plan plan.json" },
};

/** So many of the things that have moved are named, the rest is counted. */
const namedLimit = 10;

/** Writes the plan into a file for its owner only. Throws as `writeSaved` does, and `invalid` where it would be read as one of its own manifests. */
export async function keepPlan(path: string, kept: PlanToKeep): Promise<void> {
  const { plan, forecasts, cluster, paths, files, limits, showValues } = kept;
  refuseAmong(path, paths);
  const { by, at, source, adopt } = kept.author;
  const bond = bondOf(plan, { cluster: cluster?.id, source });
  await writeSaved(path, kind, {
    token: tokenOf(bond),
    made: { by, at },
    ...(cluster ? { cluster: { id: cluster.id, incarnation: cluster.incarnation } } : {}),
    source,
    adopt,
    prune: plan.prunes,
    limits: plan.prunes ? limits : undefined,
    paths,
    files,
    items: bond.items,
    plan: planDocument(plan, forecasts, showValues),
  });
}

function refuseAmong(path: string, paths: readonly string[]): void {
  const isBelow = (one: string) => !/^(\.\.(\/|$)|$)/.test(relative(one, path));
  const folder = paths.find((one) => one !== "-" && isBelow(one));
  if (folder === undefined || !isManifestName(path)) return;
  const message = `${path} lies in ${folder}, and would be read as a manifest from then on`;
  throw new OrchestraError("invalid", message, { hint: "keep the plan elsewhere" });
}

/** Reads a plan. Throws `invalid` for what is no plan, and `conflict` for one that was edited. */
export async function readKeptPlan(path: string): Promise<KeptPlan> {
  const said = await readSaved(path, kind);
  if (!isWhole(said)) throw new OrchestraError("invalid", `${path} is no whole plan`, { hint: kind.hint });
  const { token, paths, files, cluster, source, adopt, prune, limits, items } = said;
  const bond: Bond = { ...(cluster ? { cluster: cluster.id } : {}), source, items };
  if (tokenOf(bond) === token)
    return {
      token,
      paths,
      files,
      ...(cluster ? { cluster } : {}),
      bond,
      outcomes: outcomesOf(said.plan),
      origin: { source, ...(adopt ? { adopt } : {}) },
      ...(prune ? { prune } : {}),
      ...(limits ? { limits } : {}),
    };
  throw new OrchestraError("conflict", `the plan ${path} was edited: its token ${token} is not that of what it says`, {
    hint: kind.hint,
  });
}

/** The paths to read for a plan: those that are given now, else its own. Standard input cannot be read a second time by itself. */
export function pathsOf(kept: KeptPlan, given: readonly string[] | undefined): readonly string[] {
  if (given && given.length > 0) return given;
  if (!kept.paths.includes("-")) return kept.paths;
  throw new OrchestraError("invalid", "the plan was made of standard input, which has to be given again", {
    hint: "pipe the same manifests in, with -f - (and the other paths of the plan, if it has some)",
  });
}

/** Reads the manifests of a plan. Throws a `conflict` that names each file that is not what it was. */
export async function readKeptManifests(
  kept: KeptPlan,
  paths: readonly string[],
  options: ReadOptions,
): Promise<readonly LoadedManifest[]> {
  const files: ReadFile[] = [];
  try {
    const manifests = await readManifests(paths, { ...options, onRead: (file) => files.push(file) });
    refuseMoved(kept, movedFiles(kept.files, files));
    return manifests;
  } catch (error) {
    // What is wrong with a file matters less than that it is another one now.
    const hint = files.length === 0 ? elsewhereHint : lookHint;
    if (isOrchestraError(error, "invalid")) refuseMoved(kept, movedFiles(kept.files, files), { hint, cause: error });
    throw error;
  }
}

/** `plan`, held to what was kept: throws a `conflict` that names all that has moved unless the plan made now is the same, or has been carried out already. */
export function heldTo(
  kept: KeptPlan,
  cluster: ClusterDocument | undefined,
  plan: (state: KnownState) => Plan,
): (state: KnownState) => Plan {
  return (state) => {
    const planned = plan(state);
    // A job that is run again finds its own work, a cluster that it made too: nothing is written, and it is waited for as the first time.
    const isDone = !changesAnything(planned) && isCarriedOut(kept.bond, state);
    const moved = kept.cluster === undefined && isDone ? undefined : movedCluster(kept.cluster, cluster);
    if (moved) refuseMoved(kept, [moved]);
    const bond = bondOf(planned, { cluster: cluster?.id, source: kept.bond.source });
    // Of a plan that prunes, the first part may be done already.
    const isRestDone = !changesAnything(withoutPrune(planned)) && isRestCarriedOut(kept.bond, bond, state);
    if (tokenOf(bond) === kept.token || isDone || isRestDone) return planned;
    refuseMoved(kept, movedDeployments(kept.bond, bond, state));
    throw refusal(kept, [`its token is ${tokenOf(bond)} now`], []);
  };
}

/** Throws a `conflict` that names the Deployments for which the plan would have other consequences now than those that it was kept with. */
export function refuseOtherOutcome(kept: KeptPlan, plan: Plan, { deployments }: Forecasts): void {
  // Who agreed to a deletion agreed to all its pods going, however many there are by then.
  const deleted = new Set(plan.items.flatMap(({ name, action }) => (action === "delete" ? [name] : [])));
  const others = new Map([...deployments].filter(([name]) => !deleted.has(name)));
  refuseMoved(kept, movedOutcomes(kept.outcomes, others));
}

type Said = Omit<KeptPlan, "bond" | "origin" | "outcomes"> &
  KeptPlan["origin"] &
  Pick<Bond, "items"> & { readonly plan: SaidPlan };

/** The part of a plan's document that is read again. */
interface SaidPlan {
  readonly deployments: readonly { readonly name: string; readonly pods?: Forecast }[];
}

function outcomesOf({ deployments }: SaidPlan): Map<string, Outcome> {
  return new Map(deployments.flatMap(({ name, pods }) => (pods ? [[name, outcomeOf(pods)]] : [])));
}

/** The checksum agrees, so this is as orchestra wrote it, unless somebody has made a file of his own. */
function isWhole(said: object): said is Said {
  const { token, source, paths, files, items, cluster, limits, plan } = said as Partial<Record<keyof Said, unknown>>;
  const isText = (value: unknown) => typeof value === "string";
  const isList = (value: unknown, isOne: (one: unknown) => boolean) => Array.isArray(value) && value.every(isOne);
  const has = (value: unknown, ...names: readonly string[]) => {
    const fields = (typeof value === "object" ? value : undefined) as
      | Readonly<Record<string, unknown>>
      | null
      | undefined;
    return names.every((name) => isText(fields?.[name]));
  };
  return (
    isText(token) &&
    isText(source) &&
    isList(paths, isText) &&
    isList(files, (file) => has(file, "file", "sha256")) &&
    isList(items, (item) => has(item, "name", "action")) &&
    (cluster === undefined || has(cluster, "id")) &&
    (limits === undefined || areLimits(limits)) &&
    isList((plan as Partial<SaidPlan> | undefined)?.deployments, (one) => has(one, "name") && tellsPods(one))
  );
}

function areLimits(limits: unknown): boolean {
  const { deletions, replacements, affected } = (limits ?? {}) as Partial<Record<keyof Limits, unknown>>;
  return [deletions, replacements, affected].every((limit) => typeof limit === "object" && limit !== null);
}

function tellsPods(entry: unknown): boolean {
  const { pods } = entry as { readonly pods?: Partial<Record<keyof Forecast, unknown>> };
  if (pods === undefined) return true;
  const lists = [pods.created, pods.replaced, pods.moved, pods.stopped, pods.unplaced];
  const { least } = (pods.ready ?? {}) as Partial<Forecast["ready"]>;
  return lists.every(Array.isArray) && typeof least === "number";
}

const lookHint = "orchestra diff shows what applying would do now, and --out keeps it";
const elsewhereHint = "none of its files is here: run it in the folder that the plan was made in, or name them with -f";

/** What to do about it, and what it was found by. */
interface Refusal {
  readonly hint?: string;
  readonly cause?: unknown;
}

function refuseMoved(kept: KeptPlan, moved: readonly Moved[], told: Refusal = {}): void {
  if (moved.length === 0) return;
  const named = moved.slice(0, namedLimit).map(({ message }) => message);
  const rest = moved.length - named.length;
  throw refusal(kept, rest > 0 ? [...named, `${rest} more have moved`] : named, moved, told);
}

function refusal(
  kept: KeptPlan,
  reasons: readonly string[],
  moved: readonly Moved[],
  { hint = lookHint, cause }: Refusal = {},
): OrchestraError {
  return new OrchestraError(
    "conflict",
    `the plan ${kept.token} no longer holds: ${reasons.join("; ")}; nothing was written`,
    {
      hint,
      cause,
      details: { token: kept.token, moved: moved.map(({ what, name, message }) => ({ what, name, message })) },
    },
  );
}
