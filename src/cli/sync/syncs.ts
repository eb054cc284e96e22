// The syncs that a store knows, and the operator's word about one of them. Reads `syncs`, writes `controls/syncs/…`.
import type { Act } from "../../model/deployment.ts";
import { isOrchestraError, OrchestraError } from "../../model/errors.ts";
import { type Key, syncControlKey, syncKey } from "../../model/keys.ts";
import { shellWord } from "../../model/shell-word.ts";
import type { SyncControlDocument, SyncDocument } from "../../model/sync.ts";
import { type Check, overwrite, type Snapshot, type Store } from "../../store/store.ts";
import type { Target } from "../../sync/target.ts";
import { oneLine } from "../print.ts";
import { isFollowed } from "./leaders.ts";
import { namedTarget } from "./named-target.ts";
import type { SyncView } from "./sync-text.ts";

/** So many sources are named in a hint, the rest is counted. */
const sourcesTold = 8;

/** A sync that holds a pass tells it anew where its reasons change: not more often than a person can read. */
const approveTries = 5;

/** One of the syncs, as a person on this machine names it. */
export interface Named {
  readonly named: string | undefined;
  /** The node that this machine is, if it is one: of a path that several nodes follow its own is meant. */
  readonly node: string | undefined;
}

/** All of them, sorted by source; where one is named only that. Throws `not-found` where the name means none, `invalid` where several. */
export async function readSyncs(store: Store, which?: Named): Promise<SyncView[]> {
  const snapshot = await store.list(["syncs", "controls"]);
  const documents = documentsOf(snapshot);
  const chosen = which?.named === undefined ? documents : [meant(documents, which)];
  const views = await Promise.all(
    chosen.map(async (document) => {
      const control = snapshot.get(syncControlKey(document.source))?.value ?? {};
      return { document, control, runs: await isFollowed(store, document) };
    }),
  );
  return views.sort((a, b) => (a.document.source < b.document.source ? -1 : 1));
}

/** The one that is named. Throws as `readSyncs` does. */
export async function readSync(store: Store, which: Named): Promise<SyncDocument> {
  return meant(documentsOf(await store.list(["syncs"])), which);
}

/** What to say of a source that no sync has followed, so that its name may be a slip; undefined: one has. */
export async function unknownText(store: Store, source: string): Promise<string | undefined> {
  const documents = documentsOf(await store.list(["syncs"]));
  if (documents.some((document) => document.source === source)) return undefined;
  const known = documents.length === 0 ? "there is none" : `there are ${sourcesText(documents)}`;
  return `No sync of ${shellWord(source)} is known (${known}), and nothing belongs to it: is that its name?`;
}

/** What became of a word about a sync. */
export interface Controlled {
  /** In one line, for people. */
  readonly source: string;
  /** False: it was so already. */
  readonly changed: boolean;
  /** Whether a sync hears it now. */
  readonly isHeard: boolean;
  /** Whether it applies nothing, whatever it hears. */
  readonly isPaused: boolean;
}

/** What is said of a word that nobody hears. */
export const unheardText = "No sync follows it now: it counts when one is started.";

/** What is said of a word that a sync hears and does nothing about. */
export const pausedText = "It is paused, and applies nothing: orchestra sync resume has it go on.";

/** Changes the word about one sync; where it says so already nothing is written. */
export async function control(
  store: Store,
  which: Named,
  change: (before: SyncControlDocument, isHeard: boolean, source: string) => SyncControlDocument,
): Promise<Controlled> {
  const snapshot = await store.list(["syncs", "controls"]);
  const document = meant(documentsOf(snapshot), which);
  const isHeard = await isFollowed(store, document);
  return say(store, { snapshot, document, isHeard, checks: [] }, (before) => change(before, isHeard, document.source));
}

/** Lets the held pass that bears the token go on, and no other. Throws `not-found` where none does. */
export async function approve(store: Store, token: string, act: Act): Promise<Controlled> {
  for (let tries = 1; ; tries += 1) {
    const snapshot = await store.list(["syncs", "controls"]);
    const document = holding(documentsOf(snapshot), token);
    const key = syncKey(document.source);
    // Whoever is told that it goes on must not have spoken of a hold that was just over.
    const checks = [{ key, version: snapshot.get(key)?.version ?? 0 }];
    const approved = { token, ...(document.held?.since === undefined ? {} : { held: document.held.since }), ...act };
    const isHeard = await isFollowed(store, document);
    try {
      return await say(store, { snapshot, document, isHeard, checks }, (before) => ({ ...before, approved }));
    } catch (error) {
      if (!isOrchestraError(error, "conflict") || tries === approveTries) throw error;
    }
  }
}

function holding(documents: readonly SyncDocument[], token: string): SyncDocument {
  const held = documents.filter((document) => document.held);
  const found = held.find((document) => document.held?.token === token);
  if (found) return found;
  const all = held.map(({ source, held: pass }) => `${pass?.token} of ${shellWord(source)}`);
  const hint = all.length === 0 ? "nothing is held now; see orchestra sync status" : `held now: ${all.join(", ")}`;
  throw new OrchestraError("not-found", `no sync holds ${token}`, { hint });
}

interface Spoken {
  readonly snapshot: Snapshot;
  readonly document: SyncDocument;
  readonly isHeard: boolean;
  readonly checks: readonly Check[];
}

async function say(
  store: Store,
  { snapshot, document: { source }, isHeard, checks }: Spoken,
  change: (before: SyncControlDocument) => SyncControlDocument,
): Promise<Controlled> {
  const key: Key<SyncControlDocument> = syncControlKey(source);
  const before = snapshot.get(key)?.value ?? {};
  const after = change(before);
  if (after !== before) await store.commit({ changes: [overwrite(snapshot, key, after)], checks });
  return { source: oneLine(source), changed: after !== before, isHeard, isPaused: after.paused !== undefined };
}

function documentsOf(snapshot: Snapshot): SyncDocument[] {
  return snapshot.list("syncs").map(({ value }) => value);
}

/** Nothing is applied until `resumed`. */
export function paused(act: Act): (before: SyncControlDocument) => SyncControlDocument {
  return (before) => (before.paused ? before : { ...before, paused: act });
}

export function resumed(before: SyncControlDocument): SyncControlDocument {
  if (!before.paused) return before;
  const { paused: _over, ...rest } = before;
  return rest;
}

/** Look at once, whatever the interval. Throws `not-found` where nobody is there to look. */
export function triggered(act: Act): Parameters<typeof control>[2] {
  return (before, isHeard, source) => {
    if (isHeard) return { ...before, trigger: act };
    throw new OrchestraError("not-found", `no sync follows ${shellWord(source)} now`, {
      hint: "start it again with orchestra sync: then it looks by itself",
    });
  };
}

/** A source is named as it is, as `sync` was told of it, or by a part of it that no other has; where there is one only it needs no name. */
function meant(documents: readonly SyncDocument[], { named, node }: Named): SyncDocument {
  const exact = documents.filter(({ source, follows }) => source === named || isTarget(follows, named));
  const own = exact.filter(({ follows }) => follows.kind === "directory" && follows.node === node);
  const parts = () => documents.filter(({ source }) => source.includes(named ?? ""));
  const found = [own, exact].find(({ length }) => length > 0) ?? parts();
  const [one, ...others] = found;
  if (one && others.length === 0) return one;
  if (one) {
    const message =
      named === undefined ? "there is more than one sync" : `${shellWord(named)} means more than one sync`;
    throw new OrchestraError("invalid", message, { hint: `name one of ${sourcesText(found)}` });
  }
  const hint =
    documents.length === 0
      ? "orchestra sync FOLDER, or URL#BRANCH/PATH, starts one"
      : `there are ${sourcesText(documents)}`;
  const message = named === undefined ? "there is no sync" : `there is no sync of ${shellWord(named)}`;
  throw new OrchestraError("not-found", message, { hint });
}

function sourcesText(documents: readonly SyncDocument[]): string {
  const sources = documents.map(({ source }) => shellWord(source)).sort();
  const more = sources.length - sourcesTold;
  return `${sources.slice(0, sourcesTold).join(", ")}${more > 0 ? ` and ${more} more (orchestra sync status)` : ""}`;
}

function isTarget(follows: SyncDocument["follows"], named: string | undefined): boolean {
  const target = named === undefined ? undefined : targetOrNone(named);
  if (target?.kind === "directory") return follows.kind === "directory" && follows.path === target.path;
  const { shown, branch, path } = target ?? {};
  return follows.kind === "git" && follows.url === shown && follows.branch === branch && follows.path === path;
}

/** Undefined: it may be a part of a name. */
function targetOrNone(named: string): Target | undefined {
  try {
    return namedTarget(named);
  } catch {
    return undefined;
  }
}
