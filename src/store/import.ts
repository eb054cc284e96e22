// Putting an exported file into a store, all of it or nothing: one commit, or several behind a mark that keeps everybody else out.
// Works through the store contract alone, so any store can become any other. Reads and writes the store.
import { OrchestraError } from "../model/errors.ts";
import { clusterKey } from "../model/keys.ts";
import { type ExportFile, movedDocuments, movedSelectors } from "./export-file.ts";
import { type ImportOptions, type ImportPlan, type ImportTarget, planImport } from "./import-plan.ts";
import { type Document, damagedDocument, selectionOf, selects } from "./snapshot.ts";
import { type Change, epochElection, type Leadership, put, type Snapshot, type Store } from "./store.ts";

/** What a document adds to its own bytes on the wire: its key, checks, an ACL. */
const overheadBytes = 300;

/** What is in the store now. */
export async function importTarget(store: Store): Promise<ImportTarget> {
  const snapshot = await store.list([...movedSelectors, "presence"]);
  return {
    url: store.url,
    position: snapshot.position,
    cluster: snapshot.get(clusterKey),
    documents: [...movedDocuments(snapshot), ...damagedIn(snapshot)],
    present: snapshot.list("presence").map(({ key }) => key),
  };
}

/** They are replaced or removed like any other: a backup is what mends them. */
function damagedIn(snapshot: Snapshot): Document[] {
  const moved = selectionOf(movedSelectors);
  const damaged = [...snapshot.damaged].filter(([key]) => selects(moved, key) && key !== clusterKey);
  return damaged.map(([key, { version, why }]) => damagedDocument(key, version, why));
}

/**
 * Imports the file as leader of the store, so that no master acts on what is half there; returns what was done. Throws `conflict` as
 * `planImport` does, and when a master still leads after `electionLimitMs`: one that was killed is forgotten within its session. After a failure half-way the store opens for the same import only, which then goes on.
 */
export async function importFile(
  store: Store,
  file: ExportFile,
  options: ImportOptions,
  { electionLimitMs = 10_000 } = {},
): Promise<ImportPlan> {
  const before = await importTarget(store);
  const leadership = await lead(store, electionLimitMs);
  try {
    const plan = planImport(file, sinceElected(before, await importTarget(store)), options);
    if (!plan.done) await write(store, plan, file.sha256, leadership.epoch);
    return plan;
  } finally {
    await leadership.resign();
  }
}

async function lead(store: Store, limitMs: number): Promise<Leadership> {
  const stop = AbortSignal.timeout(limitMs);
  try {
    return await store.elect(epochElection, stop);
  } catch (error) {
    if (!stop.aborted) throw error;
    throw new OrchestraError("conflict", `a master leads on ${store.url}`, {
      hint: "end it there first with orchestra down",
      cause: error,
    });
  }
}

/** Our own election has moved the store on: where nothing else has, it stands where it stood. */
function sinceElected(before: ImportTarget, now: ImportTarget): ImportTarget {
  const versionsOf = ({ documents }: ImportTarget) =>
    JSON.stringify(documents.map(({ key, version }) => [key, version]));
  return versionsOf(before) === versionsOf(now) ? { ...now, position: before.position } : now;
}

async function write(store: Store, plan: ImportPlan, sha256: string, epoch: number): Promise<void> {
  const { cluster } = plan;
  let version = plan.clusterVersion;
  const chunks = chunksOf(plan.changes, store.commitBytesLimit);
  const last = chunks.pop() ?? [];
  if (chunks.length > 0) {
    await store.commit({ changes: [put(clusterKey, { ...cluster, importing: sha256 }, version)], epoch });
    version = (await store.read(clusterKey))?.version ?? "absent";
  }
  for (const changes of chunks) await store.commit({ changes, epoch });
  await store.commit({ changes: [...last, put(clusterKey, cluster, version)], epoch });
}

/** In their order, each small enough for one commit together with the cluster's document. */
function chunksOf(changes: readonly Change[], limit: number): Change[][] {
  const chunks: Change[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const change of changes) {
    const size = overheadBytes + (change.do === "put" ? Buffer.byteLength(JSON.stringify(change.value)) : 0);
    if (bytes + size > limit / 2) {
      chunks.push([]);
      bytes = 0;
    }
    chunks.at(-1)?.push(change);
    bytes += size;
  }
  return chunks;
}
