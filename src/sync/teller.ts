// Tells what a pass has come to: in `syncs/<source>`, in the log and in the figures, each only when something in it is new.
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { syncKey } from "../model/keys.ts";
import type { SyncDocument } from "../model/sync.ts";
import { put, type Store } from "../store/store.ts";
import type { Found } from "./ground.ts";
import { nextRecord, type Report } from "./record.ts";

export interface TellerOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
}

/** Throws `conflict` where the document is not as it was found. */
export async function tell(options: TellerOptions, { document, version }: Found, report: Report): Promise<void> {
  const { store, clock, log } = options;
  const next = nextRecord(document, report, clock.wall());
  if (next === document) return;
  await store.commit({ changes: [put(syncKey(document.source), next, version)] });
  if (next.pass !== document.pass) tellPass(next, log);
  if (next.drift !== document.drift) log.warn("changed by hand", { ...next.drift });
}

function tellPass({ pass, held }: SyncDocument, log: Log): void {
  if (!pass) return;
  const { outcome, errors, more } = pass;
  const fields = {
    ...(errors.length > 0 ? { errors } : {}),
    ...(more === undefined ? {} : { more }),
    ...(held && outcome === "held" ? { held } : {}),
  };
  if (outcome === "synced" || outcome === "paused" || outcome === "waiting") log.info(`sync is ${outcome}`, fields);
  else log.warn(`sync is ${outcome}`, fields);
}
