// A person's word that changes the document of a sync itself: in its place, elected, so that no sync leads meanwhile. Reads `syncs`.
import { isOrchestraError, OrchestraError } from "../../model/errors.ts";
import { syncKey } from "../../model/keys.ts";
import { type SyncDocument, syncElection } from "../../model/sync.ts";
import type { Leadership, Store, Versioned } from "../../store/store.ts";
import { hostText } from "../../sync/machine.ts";

/** One whose machine was switched off is no leader any more when its session with the store has ended. */
const electedMs = 6_000;

/** Calls `act` with the document as it is then. Throws `conflict` while a sync leads, and where the document has gone. */
export async function betweenLeaders(
  store: Store,
  document: SyncDocument,
  act: (found: Versioned<SyncDocument>) => Promise<unknown>,
): Promise<void> {
  const leadership = await elected(store, document);
  try {
    const found = await store.read(syncKey(document.source));
    if (!found) throw new OrchestraError("conflict", `${document.source} has gone meanwhile`, { hint: "look again" });
    await act(found);
  } finally {
    await leadership.resign();
  }
}

async function elected(store: Store, { source, lead }: SyncDocument): Promise<Leadership> {
  const limit = AbortSignal.timeout(electedMs);
  try {
    return await store.elect(syncElection(source), limit);
  } catch (error) {
    if (!limit.aborted || isOrchestraError(error)) throw error;
    throw new OrchestraError("conflict", `a sync follows ${source}: ${hostText(lead)}, pid ${lead.pid}`, {
      hint: "end it there first; one whose machine has just gone is forgotten after some seconds",
    });
  }
}
