// What must hold at every moment of what runs and of what is answered, beside the history of the store: the real containers, not only what is
// wanted of them, and the names that the real decision makes of the documents.
import { limitsOf } from "../../src/controller/rollout.ts";
import { recordsOf } from "../../src/dns/records.ts";
import { followed } from "../../src/dns/sound-state.ts";
import { type DeploymentDocument, wantedReplicas } from "../../src/model/deployment.ts";
import { collectionOf, nameOf, verdictsKey } from "../../src/model/keys.ts";
import type { PlacementsDocument, PodRecord, PodsDocument } from "../../src/model/pod.ts";
import { stateOf } from "./builders.ts";
import { type Moment, podsOnLostNodes } from "./history-moments.ts";

/** From then on exactly these pods' containers ran on a host, by this machine's wall clock. */
export interface Ran {
  readonly atMs: number;
  readonly host: string;
  readonly pods: readonly string[];
}

const namesDependOn: ReadonlySet<string> = new Set([...followed, verdictsKey]);

/** A Deployment that has answered to its name goes on doing so, for as long as somebody wants pods of it. */
export function* silentNames(moments: readonly Moment[]): Generator<string> {
  const answering = new Set<string>();
  for (const { transaction, changes, documents } of moments) {
    if (![...changes.keys()].some((key) => namesDependOn.has(collectionOf(key)))) continue;
    const state = stateOf(documents);
    const names = new Set(recordsOf(state).flatMap(({ type, name }) => (type === "A" ? [name] : [])));
    for (const name of [...answering].filter((one) => !names.has(one))) {
      answering.delete(name);
      const deployment = state.deployments.get(name);
      if (deployment && !deployment.deleted && wantedReplicas(deployment) > 0)
        yield `${name} answers for no pod at ${transaction.zxid}`;
    }
    for (const name of names) if (state.deployments.has(name)) answering.add(name);
  }
}

/** Every container that runs is of a pod that is listed, or was on a forgotten node, one for each pod; and those that nobody has told to stop are, lost nodes apart, within the limits of their rollout. */
export function* runsAgainstHistory(moments: readonly Moment[], ran: readonly Ran[]): Generator<string> {
  const entries = [
    ...moments.map((moment) => ({ atMs: moment.transaction.atMs, moment })),
    ...ran.map((runs) => ({ atMs: runs.atMs, runs })),
  ].sort((a, b) => a.atMs - b.atMs);
  const running = new Map<string, readonly string[]>();
  const limits = new Map<string, number>();
  const forgotten = new Set<string>();
  const told = new Set<string>();
  let documents: Moment["documents"] = new Map();
  for (const [index, entry] of entries.entries()) {
    if ("runs" in entry) running.set(entry.runs.host, entry.runs.pods);
    else {
      for (const pod of forgottenBy(entry.moment, documents)) forgotten.add(pod);
      ({ documents } = entry.moment);
      noteLimits(entry.moment, limits);
    }
    // Within one millisecond nobody knows what came first.
    if (entries[index + 1]?.atMs === entry.atMs) continue;
    for (const wrong of wrongRuns(known(running, forgotten), documents, limits)) {
      if (!told.has(wrong)) yield `${wrong}, from ${new Date(entry.atMs).toISOString()} on`;
      told.add(wrong);
    }
  }
}

/** What ran on nodes that an operator gave up: should such a machine come back after all, it goes on with them until it is told of their end. */
function forgottenBy({ changes }: Moment, before: Moment["documents"]): string[] {
  const nodes = [...changes].filter(([key, value]) => key.startsWith("placements/") && value === undefined);
  const documents = nodes.map(([key]) => before.get(key) as PlacementsDocument | undefined);
  return documents.flatMap((document) => document?.placements.map(({ pod }) => pod) ?? []);
}

function known(running: ReadonlyMap<string, readonly string[]>, forgotten: ReadonlySet<string>) {
  return new Map([...running].map(([host, pods]) => [host, pods.filter((pod) => !forgotten.has(pod))]));
}

/** What a leader was held to when it last wrote the pods of a Deployment: until then nobody has acted on anything newer. */
function noteLimits({ changes, documents }: Moment, limits: Map<string, number>): void {
  for (const key of changes.keys()) {
    if (!key.startsWith("pods/")) continue;
    const deployment = documents.get(`deployments/${nameOf(key)}`) as DeploymentDocument | undefined;
    if (!deployment) continue;
    const { replicas, surge } = limitsOf(deployment);
    limits.set(key, replicas + surge);
  }
}

function* wrongRuns(
  running: ReadonlyMap<string, readonly string[]>,
  documents: Moment["documents"],
  limits: ReadonlyMap<string, number>,
): Generator<string> {
  const listed = new Map<string, { readonly key: string; readonly pod: PodRecord }>();
  for (const [key, value] of documents) {
    if (key.startsWith("pods/")) for (const pod of (value as PodsDocument).pods) listed.set(pod.id, { key, pod });
  }
  const lost = podsOnLostNodes(documents);
  const places = new Map<string, string>();
  const counts = new Map<string, number>();
  for (const [host, pods] of running) {
    for (const id of pods) {
      const twin = places.get(id);
      if (twin !== undefined) yield `pod ${id} runs on ${twin} and on ${host}`;
      places.set(id, host);
      const { key, pod } = listed.get(id) ?? {};
      if (!pod || key === undefined) yield `pod ${id} runs on ${host} and is listed nowhere`;
      else if (!pod.stop && !lost.has(id)) counts.set(key, (counts.get(key) ?? 0) + 1);
    }
  }
  for (const [key, count] of counts) {
    const limit = limits.get(key) ?? 0;
    if (count > limit) yield `${count} of ${key} run and are not told to stop, where ${limit} may`;
  }
}
