// Health and metrics of the sync in this process: told from before there is one until it has ended.
import { systemClock } from "../../clock.ts";
import type { Log } from "../../log.ts";
import { answerFor } from "../../roles.ts";
import type { AnsweringOptions } from "../../sync/http.ts";
import type { Sync } from "../../sync/sync.ts";

export type Listen = Pick<AnsweringOptions, "address" | "anyPort">;

export interface SyncHealth {
  /** From now on it is this one that is told of. */
  follows(sync: Sync): void;
  close(): Promise<void>;
}

/**
 * To be called first of all: who watches learns that the store does not answer, and an address that is taken ends the
 * command before anything is applied. Throws `unavailable` where nobody can listen there.
 */
export async function openSyncHealth(listen: Listen, log: Log): Promise<SyncHealth> {
  let current: Sync | undefined;
  const answering = await answerFor(() => current, { ...listen, clock: systemClock, log });
  log.info("health and metrics are told", { url: answering.url });
  return {
    follows(sync) {
      current = sync;
    },
    close: () => answering.close(),
  };
}
