// What was told of this node's pods before its machine was started anew: none of their processes lives. Presence would make those words
// true again, so they are taken back before this node is there. Reads and writes `statuses/<node>`.
import { isOrchestraError } from "../model/errors.ts";
import { presenceKey, statusesKey } from "../model/keys.ts";
import type { PresenceDocument } from "../model/node.ts";
import type { PodStatus } from "../model/pod.ts";
import { overwrite, type Store } from "../store/store.ts";
import type { NodeFacts } from "./registration.ts";

/** Whoever writes at the same time is done soon. */
const attempts = 5;

/**
 * Takes back what an earlier boot of this machine has told; nothing where the system tells no boot, or while somebody who may live is this
 * node (`isDead` tells). Throws `unavailable` when the store does not answer.
 */
export async function takeBackFormerBoot(
  store: Store,
  { node, boot }: NodeFacts,
  wall: string,
  isDead: (holder: PresenceDocument) => boolean,
): Promise<void> {
  if (boot === undefined) return;
  const key = statusesKey(node);
  for (let attempt = 1; ; attempt += 1) {
    const snapshot = await store.list([key, presenceKey(node)]);
    const told = snapshot.get(key)?.value;
    const holder = snapshot.get(presenceKey(node))?.value;
    if (!told || !isOfFormerBoot(told.boot, boot) || (holder && !isDead(holder))) return;
    const { engine: _silence, hold: _held, ...rest } = told;
    const statuses = afterBoot(told.statuses);
    try {
      await store.commit({ changes: [overwrite(snapshot, key, { ...rest, at: wall, boot, statuses })] });
      return;
    } catch (error) {
      if (!isOrchestraError(error, "conflict") || attempt === attempts) throw error;
    }
  }
}

/** Whether what bears `told` is from another boot than `now`; where one of them is not known, it is taken for the same. */
export function isOfFormerBoot(told: string | undefined, now: string | undefined): boolean {
  return told !== undefined && now !== undefined && told !== now;
}

/** What is true of them after a boot: the containers are there, and nothing runs in them. */
export function afterBoot(statuses: readonly PodStatus[]): PodStatus[] {
  return statuses.map((status) => {
    const { phase, ip: _address, startedAt: _process, ...rest } = status;
    if (phase !== "ready" && phase !== "running") return status;
    const message = "its machine was started anew; it is started when the engine is there";
    return { ...rest, phase: "starting", reason: { code: "NOT_READY", message } };
  });
}
