// What must hold at every moment of a store's history, whatever was killed, stopped or cut off meanwhile. Each law answers with what breaks it.

import { limitsOf } from "../../src/controller/rollout.ts";
import type { DeploymentDocument } from "../../src/model/deployment.ts";
import type { PlacementsDocument, PodsDocument } from "../../src/model/pod.ts";
import { type Moment, momentsOf, podsOnLostNodes } from "./history-moments.ts";
import { type Ran, runsAgainstHistory, silentNames } from "./running-laws.ts";
import type { Transaction } from "./zookeeper-history.ts";

/** Documents that only a leader writes. */
const leaders = /^(pods|placements)\/|^verdicts$/;

/** Everything that the history breaks, with what ran meanwhile where that was recorded; empty: all laws held all the time. */
export function brokenLaws(history: readonly Transaction[], chroot: string, ran: readonly Ran[] = []): string[] {
  const moments = [...momentsOf(history, chroot)];
  return [
    ...strangersThatLed(moments, chroot),
    ...podsPlacedTwice(moments),
    ...tooManyPods(moments),
    ...lostGenerations(moments),
    ...silentNames(moments),
    ...runsAgainstHistory(moments, ran),
  ];
}

/** How often each version of a Deployment was written by a change that asked for it: `name version` and the author, one string each. */
export function changesIn(history: readonly Transaction[], chroot: string): string[] {
  return [...momentsOf(history, chroot)].flatMap(({ changes }) =>
    [...changes].flatMap(([key, value]) => {
      if (!key.startsWith("deployments/") || value === undefined) return [];
      return [`${key} ${(value as DeploymentDocument).updated.by}`];
    }),
  );
}

/** A leader's write comes from the session that raised the epoch in force, and holds on to that epoch. */
function* strangersThatLed(moments: readonly Moment[], chroot: string): Generator<string> {
  let epoch = { session: 0n, counter: -1 };
  for (const { transaction, changes } of moments) {
    const { zxid, session, ops } = transaction;
    if (changes.has("epoch")) epoch = { session, counter: epoch.counter + 1 };
    const written = [...changes.keys()].filter((key) => leaders.test(key));
    if (written.length === 0) continue;
    if (session !== epoch.session) yield `${written} written at ${zxid} by a session that did not lead`;
    const checks = ops.filter((op) => op.do === "check" && op.path === `${chroot}/epoch`);
    if (!checks.some((op) => op.do === "check" && op.version === epoch.counter))
      yield `${written} written at ${zxid} without the epoch in force (${epoch.counter})`;
  }
}

/** A pod has one node for all its life, and its id belongs to no other pod, now or later. */
function* podsPlacedTwice(moments: readonly Moment[]): Generator<string> {
  const nodes = new Map<string, string>();
  const slots = new Map<string, string>();
  const gone = new Set<string>();
  const listed = new Map<string, ReadonlySet<string>>();
  for (const { transaction, changes } of moments) {
    for (const [key, value] of changes) {
      if (key.startsWith("placements/")) {
        for (const { pod } of (value as PlacementsDocument | undefined)?.placements ?? []) {
          const node = nodes.get(pod) ?? key;
          if (node !== key) yield `pod ${pod} placed on ${node} and, at ${transaction.zxid}, on ${key}`;
          nodes.set(pod, node);
        }
      }
      if (!key.startsWith("pods/")) continue;
      const pods = (value as PodsDocument | undefined)?.pods ?? [];
      const ids = new Set(pods.map(({ id }) => id));
      if (ids.size < pods.length) yield `${key} lists a pod twice at ${transaction.zxid}`;
      for (const id of listed.get(key) ?? []) if (!ids.has(id)) gone.add(id);
      listed.set(key, ids);
      for (const { id, slot, serial } of pods) {
        const place = `${key} ${slot} ${serial}`;
        if (gone.has(id) || (slots.get(id) ?? place) !== place) yield `the id ${id} of ${place} is used again`;
        slots.set(id, place);
      }
    }
  }
}

/** Whenever a leader writes the pods of a Deployment, no more of them are wanted to run than its replicas and what a rollout may add, lost nodes apart. */
function* tooManyPods(moments: readonly Moment[]): Generator<string> {
  for (const { transaction, changes, documents } of moments) {
    for (const [key, value] of changes) {
      const name = key.slice("pods/".length);
      const deployment = documents.get(`deployments/${name}`) as DeploymentDocument | undefined;
      if (!key.startsWith("pods/") || value === undefined || !deployment) continue;
      const lost = podsOnLostNodes(documents);
      const wanted = (value as PodsDocument).pods.filter(({ id, stop }) => !stop && !lost.has(id)).length;
      const { replicas, surge } = limitsOf(deployment);
      if (wanted > replicas + surge)
        yield `${key} wants ${wanted} pods at ${transaction.zxid}, with ${replicas} replicas and ${surge} more allowed`;
    }
  }
}

/** Each change of a Deployment rests on the one before it. */
function* lostGenerations(moments: readonly Moment[]): Generator<string> {
  const known = new Map<string, DeploymentDocument>();
  for (const { transaction, changes } of moments) {
    for (const [key, value] of changes) {
      if (!key.startsWith("deployments/")) continue;
      const [before, after] = [known.get(key), value as DeploymentDocument | undefined];
      if (after) known.set(key, after);
      else known.delete(key);
      if (before && after && after.uid === before.uid && after.generation !== before.generation + 1)
        yield `${key} went from generation ${before.generation} to ${after.generation} at ${transaction.zxid}`;
    }
  }
}
