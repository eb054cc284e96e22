// The state that names are made of. A document that is damaged counts as it was before: names must not go because somebody broke what they
// are made of. Where it never was anything else, there is no state.
import type { Log } from "../log.ts";
import { type ClusterState, clusterState } from "../model/cluster-state.ts";
import { type Collection, type Collections, collectionOf, verdictsKey } from "../model/keys.ts";
import type { VerdictsDocument } from "../model/node.ts";
import type { Snapshot } from "../store/store.ts";

/** What names depend on: a change of anything else wakes nobody. */
export const followed = [
  "pods",
  "placements",
  "statuses",
  "revisions",
  "nodes",
] as const satisfies readonly Collection[];

/** Without these a pod's name would be left out; a template or node tells less than that. */
const needed: ReadonlySet<string> = new Set(["pods", "placements", "statuses", verdictsKey]);

export interface SoundState {
  /** The collections that are not followed are empty. Undefined: a damaged document hides what there is to say, which is logged once. */
  stateOf(snapshot: Snapshot): ClusterState | undefined;
}

export function openSoundState(log: Log): SoundState {
  const last = new Map<string, unknown>();
  let told = "";
  return {
    stateOf(snapshot) {
      const { damaged } = snapshot;
      const unknown = [...damaged.keys()].filter((key) => needed.has(collectionOf(key)) && !last.has(key));
      if (unknown.join() !== told && unknown.length > 0)
        log.warn("names stay as they are: documents that they are made of are damaged", { documents: unknown });
      told = unknown.join();
      if (unknown.length > 0) return undefined;
      const list = <C extends Collection>(collection: C): readonly { key: string; value: Collections[C] }[] => {
        if (!followed.some((one) => one === collection)) return [];
        const sound = snapshot.list(collection);
        const broken = [...damaged.keys()].filter((key) => collectionOf(key) === collection && last.has(key));
        const recalled = broken.map((key) => ({ key, value: last.get(key) as Collections[C] }));
        return broken.length === 0 ? sound : [...sound, ...recalled].sort((a, b) => (a.key < b.key ? -1 : 1));
      };
      const verdicts = damaged.has(verdictsKey)
        ? (last.get(verdictsKey) as VerdictsDocument | undefined)
        : snapshot.get(verdictsKey)?.value;
      const all = followed.flatMap((collection) => list<Collection>(collection));
      last.clear();
      for (const { key, value } of all) last.set(key, value);
      if (verdicts) last.set(verdictsKey, verdicts);
      return clusterState({ list, verdicts: () => verdicts });
    },
  };
}
