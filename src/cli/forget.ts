// `nodes forget`: the operator's word that a machine will not come back. The master carries it out.

import { systemClock } from "../clock.ts";
import type { Act } from "../model/deployment.ts";
import { isOrchestraError, OrchestraError } from "../model/errors.ts";
import { joinPods } from "../model/joined-pod.ts";
import { nodeControlKey, nodeKey, presenceKey } from "../model/keys.ts";
import { podsText } from "../model/pod.ts";
import { put, type Snapshot, type Store } from "../store/store.ts";
import type { Observation } from "./show/observe.ts";

/** The master needs one pass; one that has just died has a successor by then. */
const limitMs = 15_000;
/** Where no worker is there, often no master is either, and the store does not tell: one that leads has carried it out by then. */
const lonelyLimitMs = 3_000;
const attempts = 5;
const namesShown = 10;

/** Throws `conflict` when the node's worker is there. */
export function refusePresent({ present }: Observation, node: string): void {
  if (present.has(node)) throw isThere(node);
}

/** What goes with the node. */
export function forgettingText({ state }: Observation, node: string): string {
  const pods = joinPods(state).filter((pod) => pod.node === node);
  if (pods.length === 0) return `node/${node} has no pods.`;
  const names = [...new Set(pods.map(({ name }) => name))];
  const more = names.length > namesShown ? ` and ${names.length - namesShown} more` : "";
  return `node/${node} goes with ${podsText(pods.length)}: ${names.slice(0, namesShown).join(", ")}${more}. Those that are wanted are made elsewhere.`;
}

/** Says it, and waits until it is done. False: no worker is there at all, and no master either, as far as can be told. Throws `conflict` when the node comes back meanwhile. */
export async function forgetNode(store: Store, node: string, act: Act): Promise<boolean> {
  await say(store, node, act);
  const { promise, resolve } = Promise.withResolvers<Snapshot | undefined>();
  const view = await store.view([nodeKey(node), nodeControlKey(node), "presence"]);
  const look = () => {
    const snapshot = view.snapshot();
    if (snapshot.get(nodeControlKey(node))?.value.forget === undefined) resolve(snapshot);
  };
  const lookLonely = () => {
    const snapshot = view.snapshot();
    if (snapshot.fresh && snapshot.list("presence").length === 0) resolve(snapshot);
  };
  const cancels = [systemClock.after(limitMs, () => resolve(undefined)), systemClock.after(lonelyLimitMs, lookLonely)];
  // The clock's timers keep nobody waiting; this one does.
  const alive = setInterval(() => {}, limitMs);
  try {
    view.onChange(look);
    look();
    const snapshot = await promise;
    if (!snapshot) {
      throw new OrchestraError("unavailable", `no master has forgotten ${node} within ${limitMs / 1000} s`, {
        hint: "the word stands: orchestra status tells whether a master leads",
      });
    }
    if (snapshot.get(nodeControlKey(node))?.value.forget) return false;
    if (snapshot.get(nodeKey(node)) && snapshot.get(presenceKey(node))) throw isThere(node);
    return true;
  } finally {
    clearInterval(alive);
    for (const cancel of cancels) cancel();
    view.close();
  }
}

/** Others write the same document for their own reasons: look again. */
async function say(store: Store, node: string, act: Act): Promise<void> {
  const key = nodeControlKey(node);
  for (let left = attempts; ; left -= 1) {
    const found = await store.read(key);
    if (found?.value.forget) return;
    try {
      await store.commit({ changes: [put(key, { ...found?.value, forget: act }, found?.version ?? "absent")] });
      return;
    } catch (error) {
      if (!isOrchestraError(error, "conflict") || left <= 1) throw error;
    }
  }
}

function isThere(node: string): OrchestraError {
  return new OrchestraError("conflict", `the worker of ${node} is there: only a node that is gone can be forgotten`, {
    hint: `end orchestra on it first (orchestra down --pods), or use orchestra cordon ${node} to give it no new pods`,
  });
}
