// The first and the last word of a sync that leads, in `syncs/<source>`.
import { syncKey } from "../model/keys.ts";
import type { SyncDocument } from "../model/sync.ts";
import { overwrite, type Store } from "../store/store.ts";
import { type Machine, machineAfter, whyForeign } from "./machine.ts";
import { isOwn } from "./record.ts";

/**
 * From here on nothing is written that an earlier leader decides: each of its commits names the version of this document.
 * Throws `conflict`, and writes nothing, where the folder is another machine's. `machine`: this one, where the source is its folder.
 */
export async function claim(store: Store, fresh: SyncDocument, machine: Machine | undefined): Promise<void> {
  const key = syncKey(fresh.source);
  const snapshot = await store.list([key]);
  const before = snapshot.get(key)?.value;
  const foreign = machine && whyForeign(before, machine);
  if (foreign) throw foreign;
  const whose = machine ? { machine: machineAfter(before?.machine, machine, fresh.lead.since) } : {};
  await store.commit({ changes: [overwrite(snapshot, key, { ...before, ...fresh, ...whose })] });
}

/** That this leader no longer follows its source. */
export async function tellEnd(store: Store, source: string, own: SyncDocument["lead"], ended: string): Promise<void> {
  const key = syncKey(source);
  try {
    const snapshot = await store.list([key]);
    const found = snapshot.get(key)?.value;
    if (!found || !isOwn(found.lead, own)) return;
    await store.commit({ changes: [overwrite(snapshot, key, { ...found, lead: { ...own, ended } })] });
  } catch {
    // Nobody waits for this word: a store that does not answer now is no reason to go on.
  }
}
