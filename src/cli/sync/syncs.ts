// The syncs that a store knows, and the operator's word about one of them. Reads `syncs`, writes `controls/syncs/…`.
import type { Act } from "../../model/deployment.ts";
import { OrchestraError } from "../../model/errors.ts";
import { type Key, syncControlKey } from "../../model/keys.ts";
import type { SyncControlDocument, SyncDocument } from "../../model/sync.ts";
import { overwrite, type Store } from "../../store/store.ts";
import type { Target } from "../../sync/target.ts";
import { oneLine } from "../print.ts";
import { isFollowed } from "./leaders.ts";
import { namedTarget } from "./named-target.ts";
import type { SyncView } from "./sync-text.ts";

/** So many sources are named in a hint, the rest is counted. */
const sourcesTold = 8;

/** One of the syncs, as a person on this machine names it. */
export interface Named {
  readonly named: string | undefined;
  /** The node that this machine is, if it is one: of a path that several nodes follow its own is meant. */
  readonly node: string | undefined;
}

/** All of them, sorted by source; where one is named only that. Throws `not-found` where the name means none, `invalid` where several. */
export async function readSyncs(store: Store, which?: Named): Promise<SyncView[]> {
  const snapshot = await store.list(["syncs", "controls"]);
  const documents = snapshot.list("syncs").map(({ value }) => value);
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
  const snapshot = await store.list(["syncs"]);
  return meant(
    snapshot.list("syncs").map(({ value }) => value),
    which,
  );
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

/** Changes the word about one sync; where it says so already nothing is written. */
export async function control(
  store: Store,
  which: Named,
  change: (before: SyncControlDocument, isHeard: boolean, source: string) => SyncControlDocument,
): Promise<Controlled> {
  const snapshot = await store.list(["syncs", "controls"]);
  const document = meant(
    snapshot.list("syncs").map(({ value }) => value),
    which,
  );
  const { source } = document;
  const key: Key<SyncControlDocument> = syncControlKey(source);
  const before = snapshot.get(key)?.value ?? {};
  const isHeard = await isFollowed(store, document);
  const after = change(before, isHeard, source);
  if (after !== before) await store.commit({ changes: [overwrite(snapshot, key, after)] });
  return { source: oneLine(source), changed: after !== before, isHeard, isPaused: after.paused !== undefined };
}

/** Lets the held pass that bears the token go on, and no other. Throws `not-found` where none does. */
export async function approve(store: Store, token: string, act: Act): Promise<Controlled> {
  const held = (await readSyncs(store)).flatMap(({ document }) => (document.held ? [document] : []));
  const found = held.find((document) => document.held?.token === token);
  if (!found) {
    const all = held.map(({ source, held: pass }) => `${pass?.token} of ${source}`);
    const hint = all.length === 0 ? "nothing is held now; see orchestra sync status" : `held now: ${all.join(", ")}`;
    throw new OrchestraError("not-found", `no sync holds ${token}`, { hint });
  }
  return control(store, { named: found.source, node: undefined }, (before) => ({
    ...before,
    approved: { token, ...act },
  }));
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
    throw new OrchestraError("not-found", `no sync follows ${source} now`, {
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
    const message = named === undefined ? "there is more than one sync" : `${named} means more than one sync`;
    throw new OrchestraError("invalid", message, { hint: `name one of ${sourcesText(found)}` });
  }
  const hint =
    documents.length === 0
      ? "orchestra sync FOLDER, or URL#BRANCH/PATH, starts one"
      : `there are ${sourcesText(documents)}`;
  throw new OrchestraError("not-found", named === undefined ? "there is no sync" : `there is no sync of ${named}`, {
    hint,
  });
}

function sourcesText(documents: readonly SyncDocument[]): string {
  const sources = documents.map(({ source }) => source).sort();
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
