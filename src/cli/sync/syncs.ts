// The syncs that a store knows, and the operator's word about one of them. Reads `syncs`, writes `controls/syncs/…`.
import { hostname } from "node:os";
import { resolve } from "node:path";
import type { Act } from "../../model/deployment.ts";
import { OrchestraError } from "../../model/errors.ts";
import { type Key, syncControlKey } from "../../model/keys.ts";
import type { SyncControlDocument, SyncDocument } from "../../model/sync.ts";
import { processOf } from "../../process-record.ts";
import { overwrite, type Store } from "../../store/store.ts";
import type { SyncView } from "./sync-text.ts";

/** All of them, sorted by source; with `named` only the one that it means. Throws `not-found` where it means none, `invalid` where several. */
export async function readSyncs(store: Store, named?: string): Promise<SyncView[]> {
  const snapshot = await store.list(["syncs", "controls"]);
  const documents = snapshot.list("syncs").map(({ value }) => value);
  const chosen = named === undefined ? documents : [meant(documents, named)];
  const views = chosen.map((document) => {
    const control = snapshot.get(syncControlKey(document.source))?.value ?? {};
    return { document, control, runs: runs(document.lead) };
  });
  return views.sort((a, b) => (a.document.source < b.document.source ? -1 : 1));
}

/** Changes the word about one sync; where it says so already nothing is written. Gives the sync's source, and whether anything was written. */
export async function control(
  store: Store,
  named: string | undefined,
  change: (before: SyncControlDocument) => SyncControlDocument,
): Promise<{ readonly source: string; readonly changed: boolean }> {
  const snapshot = await store.list(["syncs", "controls"]);
  const { source } = meant(
    snapshot.list("syncs").map(({ value }) => value),
    named,
  );
  const key: Key<SyncControlDocument> = syncControlKey(source);
  const before = snapshot.get(key)?.value ?? {};
  const after = change(before);
  if (after !== before) await store.commit({ changes: [overwrite(snapshot, key, after)] });
  return { source, changed: after !== before };
}

/** Lets the held pass that bears the token go on, and no other. Gives its source. Throws `not-found` where none does. */
export async function approve(store: Store, token: string, act: Act): Promise<string> {
  const held = (await readSyncs(store)).flatMap(({ document }) => (document.held ? [document] : []));
  const found = held.find((document) => document.held?.token === token);
  if (!found) {
    const all = held.map(({ source, held: pass }) => `${pass?.token} of ${source}`);
    const hint = all.length === 0 ? "nothing is held now; see orchestra sync status" : `held now: ${all.join(", ")}`;
    throw new OrchestraError("not-found", `no sync holds ${token}`, { hint });
  }
  await control(store, found.source, (before) => ({ ...before, approved: { token, ...act } }));
  return found.source;
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

/** Look at once, whatever the interval. */
export function triggered(act: Act): (before: SyncControlDocument) => SyncControlDocument {
  return (before) => ({ ...before, trigger: act });
}

/** A source is named as it is, by its folder, or by a part of it that no other has; where there is one only it needs no name. */
function meant(documents: readonly SyncDocument[], named: string | undefined): SyncDocument {
  const exact = documents.filter(({ source, follows }) => source === named || isFolder(follows, named));
  const found = exact.length > 0 ? exact : documents.filter(({ source }) => source.includes(named ?? ""));
  const [one, ...others] = found;
  if (one && others.length === 0) return one;
  const sources = documents.map(({ source }) => source).sort();
  const hint =
    sources.length === 0 ? "orchestra sync FOLDER, or URL#BRANCH/PATH, starts one" : `there are ${sources.join(", ")}`;
  if (one) throw new OrchestraError("invalid", `${named ?? "that"} means more than one sync`, { hint });
  throw new OrchestraError("not-found", named === undefined ? "there is no sync" : `there is no sync of ${named}`, {
    hint,
  });
}

function isFolder(follows: SyncDocument["follows"], named: string | undefined): boolean {
  return named !== undefined && follows.kind === "directory" && follows.path === resolve(named);
}

/** Of this machine it can be told. */
function runs({ host, pid }: SyncDocument["lead"]): boolean | undefined {
  return host === hostname() ? processOf(pid) !== undefined : undefined;
}
