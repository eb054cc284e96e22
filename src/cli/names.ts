// How people name things on the command line: `deployment/web`, `pod/web-0`, `node/n1`, a pod's id, or a bare name
// where only one thing has it. A pod's name means its newest incarnation. Pure.
import type { ClusterState } from "../model/cluster-state.ts";
import { wantedReplicas } from "../model/deployment.ts";
import { OrchestraError } from "../model/errors.ts";
import { type JoinedPod, joinPods } from "../model/joined-pod.ts";
import { nearest } from "../model/nearest.ts";

export type Kind = "deployment" | "pod" | "node";

export type Target =
  | { readonly kind: "deployment"; readonly name: string }
  | { readonly kind: "pod"; readonly name: string; readonly pod: JoinedPod }
  | { readonly kind: "node"; readonly name: string };

/** Every spelling of a kind that is understood. */
const kinds: Readonly<Record<string, Kind>> = Object.freeze({
  deployment: "deployment",
  deployments: "deployment",
  deploy: "deployment",
  pod: "pod",
  pods: "pod",
  po: "pod",
  node: "node",
  nodes: "node",
  no: "node",
});

/** The kind that a word names (`pods`, `deploy`), or undefined. */
export function kindOf(word: string): Kind | undefined {
  return Object.hasOwn(kinds, word) ? kinds[word] : undefined;
}

export interface NameOptions {
  /** What the command can do something with. */
  readonly kinds: readonly Kind[];
  /** Among several incarnations with one name prefer the newest that is ready (for `exec`). */
  readonly preferReady?: boolean;
}

/** What `text` names. Throws `not-found` with the nearest name, and `invalid` where it could mean two things. */
export function resolveName(state: ClusterState, text: string, options: NameOptions): Target {
  const slash = text.indexOf("/");
  if (slash < 0) return resolveBare(state, text, options);
  const kind = kindOf(text.slice(0, slash));
  if (kind === undefined || !options.kinds.includes(kind)) {
    const forms = options.kinds.map((known) => `${known}/NAME`);
    const hint = `write ${inWords(forms, "or")}`;
    throw new OrchestraError("invalid", `"${text}" does not name a ${inWords(options.kinds, "or")}`, { hint });
  }
  const name = text.slice(slash + 1);
  const [found] = candidates(state, name, { ...options, kinds: [kind] });
  if (found === undefined) throw notFound(state, name, [kind]);
  return found;
}

function resolveBare(state: ClusterState, name: string, options: NameOptions): Target {
  const found = candidates(state, name, options);
  const [first, second] = found;
  if (first === undefined) throw notFound(state, name, options.kinds);
  if (second !== undefined) {
    const hint = `write ${found.map(({ kind }) => `${kind}/${name}`).join(" or ")}`;
    throw new OrchestraError("invalid", `"${name}" is a ${found.map(({ kind }) => kind).join(" and a ")}`, { hint });
  }
  return first;
}

/** At most one for each kind. */
function candidates(state: ClusterState, name: string, { kinds, preferReady = false }: NameOptions): Target[] {
  const found: Target[] = [];
  if (kinds.includes("deployment") && hasDeployment(state, name)) found.push({ kind: "deployment", name });
  const pod = kinds.includes("pod") ? findPod(joinPods(state), name, preferReady) : undefined;
  if (pod) found.push({ kind: "pod", name: pod.name, pod });
  if (kinds.includes("node") && hasNode(state, name)) found.push({ kind: "node", name });
  return found;
}

/** Pods without a Deployment are kept and reported, so they can be named too. */
function hasDeployment(state: ClusterState, name: string): boolean {
  return state.deployments.has(name) || state.pods.has(name);
}

/** A node that has never registered may still hold placements. Those of a forgotten one are empty. */
function hasNode(state: ClusterState, name: string): boolean {
  return state.nodes.has(name) || (state.placements.get(name)?.placements.length ?? 0) > 0;
}

function findPod(pods: readonly JoinedPod[], name: string, preferReady: boolean): JoinedPod | undefined {
  const incarnations = pods.filter((pod) => pod.name === name || pod.pod.id === name);
  const ready = preferReady ? incarnations.findLast(({ phase }) => phase === "ready") : undefined;
  return ready ?? incarnations.findLast(({ pod }) => pod.stop === undefined) ?? incarnations.at(-1);
}

function notFound(state: ClusterState, name: string, kinds: readonly Kind[]): OrchestraError {
  const unborn = kinds.includes("pod") ? notYetCreated(state, name) : undefined;
  if (unborn) return unborn;
  const message = `there is no ${inWords(kinds, "or")} "${name}"`;
  if (kinds.includes("pod") && hasDeployment(state, name))
    return new OrchestraError("not-found", message, { hint: `${name} is a Deployment${podsOfIt(state, name)}` });
  const known = new Set<string>();
  if (kinds.includes("deployment")) for (const key of state.deployments.keys()) known.add(key);
  if (kinds.includes("pod")) for (const pod of joinPods(state)) known.add(pod.name);
  if (kinds.includes("node")) for (const key of state.nodes.keys()) known.add(key);
  const meant = nearest(name, known);
  const plurals = kinds.map((kind) => `${kind}s`);
  const hint =
    meant === undefined ? `orchestra get lists what there is: ${inWords(plurals, "and")}` : `did you mean ${meant}?`;
  return new OrchestraError("not-found", message, { hint });
}

/** So many pods are named in a hint, the rest is counted. */
const namedPodsLimit = 5;

function podsOfIt(state: ClusterState, deployment: string): string {
  const names = [...new Set(joinPods(state).flatMap((pod) => (pod.deployment === deployment ? [pod.name] : [])))];
  if (names.length === 0) return " and has no pods yet";
  if (names.length <= namedPodsLimit) return `; name a pod of it: ${inWords(names, "or")}`;
  return `; name a pod of it: ${names.slice(0, namedPodsLimit).join(", ")} or one of ${names.length - namedPodsLimit} more`;
}

/** A pod of a slot that its Deployment has, while no master has looked at that. */
function notYetCreated(state: ClusterState, name: string): OrchestraError | undefined {
  const [, deployment = "", slot] = /^(.+)-(0|[1-9]\d*)$/.exec(name) ?? [];
  const document = state.deployments.get(deployment);
  if (!document || document.deleted || Number(slot) >= wantedReplicas(document)) return undefined;
  if ((state.pods.get(deployment)?.generation ?? 0) >= document.generation) return undefined;
  const hasRun = state.verdicts.size > 0 || state.pods.size > 0;
  const since = hasRun ? `no master has run since ${deployment} was changed` : "no master has run on this store";
  return new OrchestraError("not-found", `${name} has not been created yet: ${since}`, {
    hint: hasRun ? "orchestra status tells whether one runs; orchestra up starts it" : "start one with orchestra up",
  });
}

/** `a, b or c`. */
function inWords(words: readonly string[], last: "and" | "or"): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} ${last} ${words.at(-1)}`;
}

/** `web`, `pod/web-0` or `pod web-0` as one name. Throws `invalid` for anything else. */
export function namedOnce(words: readonly string[]): string {
  const [first = "", second, ...more] = words;
  if (second === undefined) return first;
  const kind = kindOf(first);
  if (kind === undefined || more.length > 0 || second.includes("/")) {
    const hint = "give one name, as web, pod/web-0 or pod web-0";
    throw new OrchestraError("invalid", `"${words.join(" ")}" is more than one name`, { hint });
  }
  return `${kind}/${second}`;
}
