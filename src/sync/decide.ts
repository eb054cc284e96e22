// What a pass does with what it has read: all of it, the valid part, or nothing, and what of it somebody has changed by hand. Pure.
import { createHash } from "node:crypto";
import type { Author } from "../apply/document.ts";
import { type KnownState, type Plan, type PlanItem, planApply } from "../apply/plan.ts";
import { ownedBy } from "../apply/prune.ts";
import { namesText } from "../apply/prune-waits.ts";
import { type LoadedManifest, type Problem, problemText, type Tree } from "../manifest/manifest.ts";
import { type Drifted, type SyncDocument, type SyncOutcome, unreadKept } from "../model/sync.ts";
import { byHandText, changedByHand, countText, driftedOf, type Known } from "./by-hand.ts";
import { marksOf } from "./marks.ts";
import { nodeOfSamePath } from "./source.ts";

export interface Question {
  readonly tree: Tree;
  readonly state: KnownState;
  /** What was applied last. */
  readonly applied: SyncDocument["applied"];
  /** What was told last of changes by hand. */
  readonly told: SyncDocument["drift"];
  readonly author: Author;
  /** Applies what is valid although something is not. */
  readonly partial: boolean;
  /** Takes back what was changed by hand. */
  readonly heals: boolean;
  /** What is left as it is for now although it was changed by hand, with the reason. */
  readonly resting: ReadonlyMap<string, string>;
}

export interface Decision {
  readonly outcome: SyncOutcome;
  readonly errors: readonly string[];
  /** Names what is applied as a whole; absent where nothing is. */
  readonly tree?: string;
  /** How many Deployments the tree says that may be applied. */
  readonly deployments: number;
  /** Names each Deployment of it with what it says; absent where what is changed by hand is taken back. */
  readonly marks?: string;
  /** What is to be written. */
  readonly plan: (state: KnownState) => Plan;
  /** What was changed by hand since, but for what rests. */
  readonly drifted: readonly Drifted[];
  /** What somebody has changed by hand, and is left so: it is in the files, and the plan does not name it. */
  readonly left: readonly PlanItem[];
  /** What the plan takes back, and from whom, for people. */
  readonly takenBack: readonly string[];
  /** The places that are not read and that hide nothing, as far as is known. */
  readonly unread: readonly string[];
  /** Deployments that it lacks and that are not deleted, because they are protected. */
  readonly kept: readonly string[];
}

export function decide(question: Question): Decision {
  const { tree, state, author, partial } = question;
  const problems = tree.problems.map(problemText);
  if (problems.length > 0 && !partial) return refused(problems);
  const strict: Author = { ...author, takesBack: true };
  const whole = planApply(state, tree.manifests, strict);
  const blocked = whole.items.filter(({ action }) => action === "blocked");
  const errors = [...problems, ...renamedTexts(blocked, author.source), ...blocked.map(reasonText)];
  if (blocked.length > 0 && !partial) return refused(errors);
  const { applied, heals, resting, told } = question;
  const known = { told, source: author.source };
  const wanted = without(tree.manifests, blocked);
  const name = treeName(wanted);
  const items = without(whole.items, blocked);
  const byHand = changedByHand(items, wanted, name, applied);
  const owned = ownedBy(state, author.source);
  // What somebody has let become empty is as it should be.
  if (wanted.length === 0 && errors.length === 0 && owned.length === 0 && applied?.tree !== name) {
    return refused([emptyText, ...tree.unread.map(problemText)]);
  }
  const leaves = byHand.filter(({ name }) => !heals || resting.has(name));
  const left = new Set(leaves.map((item) => item.name));
  const unreadBefore = applied?.unread ?? [];
  const unread = tree.unread.filter(({ file }) => !unreadBefore.includes(file));
  const hides = unread.length > 0 && lacksAny(planApply(state, wanted, author, { prune: true }));
  if (hides) errors.push(...unread.map(unreadText));
  // Nothing is known of what a file with an error would have said, nor of what is behind a link that was not there before.
  const prune = errors.length === 0;
  return {
    tree: name,
    drifted: byHand.filter((item) => !(heals && left.has(item.name))).map((item) => driftedOf(item, known)),
    left: leaves,
    takenBack: heals ? takenBackTexts(without(items, leaves), new Set(byHand), known) : [],
    ...(heals ? {} : { marks: marksOf(wanted) }),
    unread: hides ? unreadBefore : tree.unread.slice(0, unreadKept).map(({ file }) => file),
    kept: prune ? keptOf(owned, wanted) : [],
    errors: [
      ...errors,
      ...leaves.map((item) => (heals ? resting.get(item.name) : undefined) ?? byHandText(item, known)),
    ],
    outcome: errors.length > 0 ? "partial" : left.size > 0 ? "drifted" : "synced",
    deployments: wanted.length,
    plan(now) {
      const plan = planApply(now, wanted, heals ? strict : author, { prune });
      return left.size === 0 ? plan : { ...plan, items: plan.items.filter((item) => !left.has(item.name)) };
    },
  };
}

const emptyText = "there is no .yaml, .yml or .json file with a manifest in it; check the path";

/** The same for the same manifests, wherever in the tree they stand. */
function treeName(manifests: readonly LoadedManifest[]): string {
  const hash = createHash("sha256");
  for (const { spec, manifestHash } of manifests) hash.update(`${spec.name} ${manifestHash}\n`);
  return hash.digest("hex").slice(0, 12);
}

function refused(errors: readonly string[]): Decision {
  return {
    outcome: "refused",
    errors,
    deployments: 0,
    plan: () => ({ items: [], notInFiles: [] }),
    drifted: [],
    left: [],
    takenBack: [],
    unread: [],
    kept: [],
  };
}

function keptOf(owned: ReturnType<typeof ownedBy>, wanted: readonly LoadedManifest[]): string[] {
  const kept = owned.filter(([, { value }]) => value.protect === true);
  if (kept.length === 0) return [];
  const names = new Set(wanted.map(({ spec }) => spec.name));
  return kept.map(([name]) => name).filter((one) => !names.has(one));
}

/** Whether the manifests lack something that would be deleted. */
function lacksAny({ items }: Plan): boolean {
  return items.some(({ pruned, after }) => pruned && after);
}

function unreadText(problem: Problem): string {
  const doing =
    "what the files lack is not deleted while this is new: remove it, or delete by hand what is no longer wanted";
  return `${problemText(problem)} (${doing})`;
}

function takenBackTexts(items: readonly PlanItem[], byHand: ReadonlySet<PlanItem>, known: Known): string[] {
  return items.flatMap((item) => (byHand.has(item) ? byHandText(item, known) : (countText(item) ?? [])));
}

/** Manifests or items without those of the names that `others` bear. */
function without<T extends { readonly name: string } | { readonly spec: { readonly name: string } }>(
  all: readonly T[],
  others: readonly PlanItem[],
): readonly T[] {
  const names = new Set(others.map(({ name }) => name));
  return names.size === 0 ? all : all.filter((one) => !names.has("spec" in one ? one.spec.name : one.name));
}

/** A machine that has lost its name finds all that it follows to be somebody else's. */
function renamedTexts(blocked: readonly PlanItem[], source: string): string[] {
  const owners = blocked.map(({ before }) => nodeOfSamePath(before?.value.source ?? "", source));
  const nodes = new Set(owners.filter((node) => node !== undefined));
  return [...nodes].map((node) => {
    const remedy = `keep that folder (ORCHESTRA_STATE_DIR), or remove node.json from it and set ORCHESTRA_NODE=${node}`;
    return `the same path was followed by the node ${node}; if that was this machine, whose state folder keeps its name: ${remedy}`;
  });
}

/** What helps comes first: what is told of a pass is cut. One that is there belongs to another source, which the message names. */
function reasonText({ name, before, reason, changes }: PlanItem): string {
  if (!reason) return `${name} must not be changed`;
  if (!before) return `${reason.message}; ${reason.hint}`;
  const { by, at } = before.value.updated;
  const fields = namesText(changes.map(({ path }) => path));
  const differs = fields === "" ? "" : `; not as the files say: ${fields}`;
  const help = "change it there, or take it over with --adopt";
  return `${reason.message}; ${help} (last written by ${by} at ${at}${differs})`;
}
