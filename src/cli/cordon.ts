// Cordon, drain and uncordon: the operator's word about a node, which the master reads. Each is fine a second time.
import type { Act } from "../model/deployment.ts";
import { isOrchestraError } from "../model/errors.ts";
import { nodeControlKey } from "../model/keys.ts";
import { put, remove, type Store } from "../store/store.ts";

export interface CordonResult {
  /** False: it was so before, and nothing was written. */
  readonly changed: boolean;
  /** Who cordoned it; undefined when it is not cordoned. */
  readonly cordoned: Act | undefined;
}

/** Others write the same document for the same reason only; more than this is no coincidence. */
const attempts = 5;

/** Says that no new pod goes to the node. Pods that are there stay. */
export function cordon(store: Store, node: string, act: Act): Promise<CordonResult> {
  return again(async () => {
    const key = nodeControlKey(node);
    const found = await store.read(key);
    if (found?.value.cordoned) return { changed: false, cordoned: found.value.cordoned };
    await store.commit({ changes: [put(key, { ...found?.value, cordoned: act }, found?.version ?? "absent")] });
    return { changed: true, cordoned: act };
  });
}

/** Says the same, and that the pods that are there have to go, each when its successor elsewhere is ready. */
export function drain(store: Store, node: string, act: Act): Promise<{ readonly changed: boolean }> {
  return again(async () => {
    const key = nodeControlKey(node);
    const found = await store.read(key);
    if (found?.value.drained) return { changed: false };
    const { cordoned = act, ...others } = found?.value ?? {};
    await store.commit({ changes: [put(key, { ...others, cordoned, drained: act }, found?.version ?? "absent")] });
    return { changed: true };
  });
}

/** Takes both back. */
export function uncordon(store: Store, node: string): Promise<CordonResult> {
  return again(async () => {
    const key = nodeControlKey(node);
    const found = await store.read(key);
    if (!found?.value.cordoned) return { changed: false, cordoned: undefined };
    const { cordoned: _old, drained: _too, ...others } = found.value;
    const isEmpty = Object.keys(others).length === 0;
    await store.commit({ changes: [isEmpty ? remove(key, found.version) : put(key, others, found.version)] });
    return { changed: true, cordoned: undefined };
  });
}

/** A conflict means that somebody wrote in between: look again. */
async function again<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = attempts; ; left -= 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!isOrchestraError(error, "conflict") || left <= 1) throw error;
    }
  }
}
