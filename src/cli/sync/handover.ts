// Another machine takes the place of the one whose folder a sync follows, because a person says so. Reads and writes `syncs`.
import type { Act } from "../../model/deployment.ts";
import { OrchestraError } from "../../model/errors.ts";
import { put, type Store } from "../../store/store.ts";
import { betweenLeaders } from "./between-leaders.ts";
import { type Named, readSync } from "./syncs.ts";

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
  await betweenLeaders(store, document, ({ key, value, version }) => {
    const machine = { id: to, since: act.at, by: act.by };
    return store.commit({ changes: [put(key, { ...value, machine }, version)] });
  });
  return { source: document.source, changed: true };
}
