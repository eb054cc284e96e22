// Another machine takes the place of the one whose folder a sync follows, because a person says so. Reads and writes `syncs`, as the sync
// itself does: elected, so that no sync leads meanwhile.
import type { Act } from "../../model/deployment.ts";
import { isOrchestraError, OrchestraError } from "../../model/errors.ts";
import { syncKey } from "../../model/keys.ts";
import { type SyncDocument, syncElection } from "../../model/sync.ts";
import { type Leadership, put, type Store } from "../../store/store.ts";
import { hostText } from "../../sync/machine.ts";
import { type Named, readSync } from "./syncs.ts";

/** One whose machine was switched off is no leader any more when its session with the store has ended. */
const electedMs = 6_000;

export interface HandedOver {
  readonly source: string;
  /** False: it was that machine's already. */
  readonly changed: boolean;
}

/**
 * Makes the folder that of the machine `to`. Throws `conflict` while a sync leads there, `not-found` and `invalid` where no one sync is meant,
 * and `invalid` for what is no machine and for a branch, which any machine may follow.
 */
export async function handOver(store: Store, which: Named, to: string, act: Act): Promise<HandedOver> {
  if (!/^[0-9a-f]{12}$/.test(to)) {
    throw new OrchestraError("invalid", `"${to}" is no machine`, {
      hint: "take what the sync says that may not lead: it ends with the whole command",
    });
  }
  const document = await readSync(store, which);
  if (document.follows.kind === "git") {
    throw new OrchestraError("invalid", `${document.source} is a branch, which any machine may follow`, {
      hint: "nothing is to be handed over: start orchestra sync where it is to run",
    });
  }
  if (document.machine?.id === to) return { source: document.source, changed: false };
  const leadership = await elected(store, document);
  try {
    const found = await store.read(syncKey(document.source));
    if (!found) throw new OrchestraError("conflict", `${document.source} has gone meanwhile`, { hint: "look again" });
    const machine = { id: to, since: act.at, by: act.by };
    await store.commit({ changes: [put(syncKey(document.source), { ...found.value, machine }, found.version)] });
  } finally {
    await leadership.resign();
  }
  return { source: document.source, changed: true };
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
