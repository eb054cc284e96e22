// What has moved since a plan was kept: files, the cluster, and Deployments, each with who moved it where that is known. Pure.
import { canonicalJson } from "../manifest/hash.ts";
import type { ReadFile } from "../manifest/manifest.ts";
import type { Act, DeploymentDocument } from "../model/deployment.ts";
import type { KnownState } from "./plan.ts";
import type { Bond, BoundItem } from "./token.ts";

/** One thing that is not as it was when the plan was made. */
export interface Moved {
  readonly what: "file" | "cluster" | "deployment" | "consequence";
  readonly name: string;
  /** A sentence without a full stop that names it. */
  readonly message: string;
}

/** A cluster as a plan knows it: none where the first write is to make it. */
export interface KnownCluster {
  readonly id: string;
  readonly incarnation: number;
}

/**
 * Which files differ. What they hold counts, not what they are called: the same set of contents is the same set of files, so that a plan
 * can be applied from another checkout. Where it is not the same, names tell which one changed, appeared or went.
 */
export function movedFiles(kept: readonly ReadFile[], now: readonly ReadFile[]): Moved[] {
  if (contentsOf(kept) === contentsOf(now)) return [];
  const before = new Map(kept.map(({ file, sha256 }) => [file, sha256]));
  const after = new Map(now.map(({ file, sha256 }) => [file, sha256]));
  const changed = now.filter(({ file, sha256 }) => before.has(file) && before.get(file) !== sha256);
  const went = without(
    kept.filter(({ file }) => !after.has(file)),
    now.filter(({ file }) => !before.has(file)),
  );
  const appeared = without(
    now.filter(({ file }) => !before.has(file)),
    kept.filter(({ file }) => !after.has(file)),
  );
  const told = (files: readonly ReadFile[], did: string) =>
    files.map(({ file }): Moved => ({ what: "file", name: file, message: `the file ${file} ${did} since` }));
  return [...told(changed, "was changed"), ...told(went, "went away"), ...told(appeared, "appeared")];
}

/** How the cluster differs; undefined: it is the same one, in the same incarnation. */
export function movedCluster(kept: KnownCluster | undefined, now: KnownCluster | undefined): Moved | undefined {
  if (kept?.id === now?.id && kept?.incarnation === now?.incarnation) return undefined;
  const name = now?.id ?? kept?.id ?? "";
  return { what: "cluster", name, message: clusterMessage(kept, now) };
}

/** Which Deployments are not as `kept` found them, or would be treated in another way `now`. */
export function movedDeployments(kept: Bond, now: Bond, state: KnownState): Moved[] {
  const before = new Map(kept.items.map((item) => [item.name, item]));
  const after = new Map(now.items.map((item) => [item.name, item]));
  const names = [...new Set([...before.keys(), ...after.keys()])].sort();
  const done = new Set(kept.items.filter((item) => item.writes && isDone(item, state)).map(({ name }) => name));
  const gone = goneAgain(kept, now, done);
  const moved = names.flatMap((name): Moved[] => {
    const document = state.deployments.get(name)?.value;
    const message = gone.has(name)
      ? `${name} was deleted since the rest of the plan was carried out, ${andGone}`
      : movedMessage(name, before.get(name), after.get(name), document);
    return message === undefined ? [] : [{ what: "deployment", name, message }];
  });
  // What says just what the plan writes is as somebody has agreed to, and no news beside what is not.
  const others = moved.filter(({ name }) => !done.has(name));
  return others.length > 0 ? others : moved;
}

/**
 * What `kept` creates, and somebody has deleted after it was carried out. Nothing is left of that in the store: it shows by all else being as the plan
 * writes it. All of it is one commit but for the deletions, which come last.
 */
function goneAgain(kept: Bond, now: Bond, done: ReadonlySet<string>): ReadonlySet<string> {
  const creates = ({ items }: Bond) => items.filter(({ action }) => action === "create").map(({ name }) => name);
  const missing = new Set(creates(now));
  const gone = new Set(creates(kept).filter((name) => missing.has(name)));
  const rest = kept.items.filter(({ name, writes }) => writes && !gone.has(name));
  const isAfter = done.size > 0 && rest.every(({ name, action }) => done.has(name) || action === "delete");
  return isAfter ? gone : new Set();
}

/** Whether every Deployment is just what carrying `kept` out has left behind, and nobody has touched one since. */
export function isCarriedOut({ items }: Bond, state: KnownState): boolean {
  return items.every((item) => isDone(item, state));
}

function isDone({ name, action, base, writes }: BoundItem, { deployments }: KnownState): boolean {
  const found = deployments.get(name);
  if (!writes) return found?.version === base?.version && found?.value.uid === base?.uid;
  if (action === "delete") return !found || isStep(found.value, base, writes);
  return found !== undefined && !found.value.deleted && isStep(found.value, base, writes);
}

/** Whether the deletions of `kept` are still to be done, and all the rest has been carried out. */
export function isRestCarriedOut(kept: Bond, now: Bond, state: KnownState): boolean {
  const deletions = ({ items }: Bond) => canonicalJson(items.filter(({ action }) => action === "delete"));
  const rest = kept.items.filter(({ action }) => action !== "delete");
  return (
    rest.length < kept.items.length &&
    deletions(kept) === deletions(now) &&
    isCarriedOut({ ...kept, items: rest }, state)
  );
}

/** The one write after `base` that says `writes`. */
function isStep(document: DeploymentDocument, base: BoundItem["base"], writes: NonNullable<BoundItem["writes"]>) {
  const { uid, generation, manifestHash, revision } = document;
  const follows = base ? uid === base.uid && generation === base.generation + 1 : generation === 1;
  return follows && manifestHash === writes.manifestHash && revision === writes.revision;
}

function clusterMessage(kept: KnownCluster | undefined, now: KnownCluster | undefined): string {
  if (!kept) return `a cluster (${now?.id}) was made on this store since`;
  if (!now) return `this store holds no cluster, and the plan was made for ${kept.id}`;
  if (now.id !== kept.id) return `this is another cluster (${now.id}), and the plan was made for ${kept.id}`;
  const rests = `incarnation ${now.incarnation}, and the plan rests on ${kept.incarnation}`;
  return now.incarnation > kept.incarnation
    ? `the whole store was replaced since, by an import or a rollback that was accepted (${rests})`
    : `this is an older copy of the store (${rests})`;
}

function movedMessage(
  name: string,
  kept: BoundItem | undefined,
  now: BoundItem | undefined,
  document: DeploymentDocument | undefined,
): string | undefined {
  const before = kept?.base;
  const base = now?.base;
  if (before && !document) return `${name} was deleted since, ${andGone}`;
  if (!before && document && (base || !now)) return `${name} was created ${createdAndMore(document)}`;
  if (before && document && before.uid !== document.uid)
    return `${name} was deleted and created anew ${createdAndMore(document)}`;
  if (before && base && before.version !== base.version) return changedMessage(name, before.generation, document);
  if (!kept || !now) return `${name} is ${now ? "part of it now" : "no part of it any more"}`;
  if (kept.action !== now.action) return `${name} is ${doneWords[now.action]} now, not ${doneWords[kept.action]}`;
  const same = kept.writes?.manifestHash === now.writes?.manifestHash && kept.writes?.revision === now.writes?.revision;
  return same ? undefined : `${name} would be written in another way by this orchestra`;
}

const doneWords: Readonly<Record<BoundItem["action"], string>> = {
  create: "to be created",
  update: "to be changed",
  delete: "to be deleted",
  unchanged: "left as it is",
  blocked: "not to be touched",
};

function changedMessage(name: string, generation: number, document: DeploymentDocument | undefined): string {
  if (!document) return `${name} was changed since`;
  return `${name} was ${lastDone(document)} (now generation ${document.generation}, the plan rests on ${generation})`;
}

/** A deletion leaves nothing behind once the last pod has ended. */
const andGone = "and is gone: the store does not keep by whom";

function createdAndMore(document: DeploymentDocument): string {
  const created = whoWhen(document.created);
  return document.generation > 1 ? `${created}, and ${lastDone(document)}` : created;
}

function lastDone({ deleted, updated }: DeploymentDocument): string {
  return deleted ? `deleted ${whoWhen(deleted)}` : `changed ${whoWhen(updated)}`;
}

function whoWhen({ by, at }: Act): string {
  return `by ${by} at ${at}`;
}

/** Those whose content is not among `others`: what only has another name has not moved. */
function without(files: readonly ReadFile[], others: readonly ReadFile[]): ReadFile[] {
  const left = others.map(({ sha256 }) => sha256);
  return files.filter(({ sha256 }) => {
    const at = left.indexOf(sha256);
    if (at < 0) return true;
    left.splice(at, 1);
    return false;
  });
}

function contentsOf(files: readonly ReadFile[]): string {
  return files
    .map(({ sha256 }) => sha256)
    .sort()
    .join();
}
