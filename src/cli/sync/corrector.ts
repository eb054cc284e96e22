// What makes a Deployment of a sync as its files say. Reads `syncs` and `controls/syncs/…`.
import { syncControlKey, syncKey } from "../../model/keys.ts";
import type { Store } from "../../store/store.ts";
import { isFollowed } from "./leaders.ts";

/** In words that follow "corrected by": the sync of `source`, and what keeps that from it where something does. */
export async function correctorOf(store: Store, source: string): Promise<string> {
  const snapshot = await store.list([syncKey(source), syncControlKey(source)]);
  const document = snapshot.get(syncKey(source))?.value;
  if (!document || !(await isFollowed(store, document))) return "its sync, once one runs: orchestra sync";
  if (snapshot.get(syncControlKey(source))?.value.paused) return "its sync, which is paused: orchestra sync resume";
  const { pass, held, applied } = document;
  if (pass?.outcome === "held") return `its sync, which holds all of it: orchestra sync approve ${held?.token}`;
  if (pass?.outcome === "refused") return "its sync, which refuses what the files say now: orchestra sync status";
  return applied?.marks === undefined ? "its sync" : "a change of its manifest, or its sync without --no-self-heal";
}
