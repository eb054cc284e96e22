// A source that nobody will follow any more: what is known of its sync goes, and its Deployments stay. Reads `syncs`; removes `syncs/<id>` and
// `controls/syncs/<id>`.
import { syncControlKey } from "../../model/keys.ts";
import type { SyncDocument } from "../../model/sync.ts";
import { remove, type Store } from "../../store/store.ts";
import { betweenLeaders } from "./between-leaders.ts";

/** Throws `conflict` while a sync leads there, and where somebody speaks about it just then. */
export async function forget(store: Store, document: SyncDocument): Promise<void> {
  await betweenLeaders(store, document, async ({ key, version }) => {
    const control = await store.read(syncControlKey(document.source));
    const word = control ? [remove(control.key, control.version)] : [];
    await store.commit({ changes: [remove(key, version), ...word] });
  });
}
