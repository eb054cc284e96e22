// Clusters on the hosts of a lab, as benchmarks see them: what orchestra and its peer can both be asked to do, and what they are asked.
import { setTimeout as sleep } from "node:timers/promises";
import type { LabHost } from "../test/support/lab.ts";

/** Of a Deployment that loses a third of its pods with a host. */
export const replicas = 6;
/** How long anything may take that comes about in the end. */
export const limitMs = 120_000;
/** So long a host is cut off at least: who has lost a connection tries again the less often the longer it lasts, so it is the same for all. */
const cutMs = 20_000;

/** So often somebody who cannot wait says it again. */
const attemptMs = 500;

export interface Side {
  /** `replicas` pods, the same number on each host; resolves when all are ready. */
  place(name: string): Promise<void>;
  /** How many of its pods are ready on these hosts. */
  ready(name: string, hosts: readonly LabHost[]): Promise<number>;
  leading(): Promise<LabHost>;
  /** A host that does not lead. */
  following(): Promise<LabHost>;
  /** Has the command line say on this host that there should be two such pods; whether that was accepted. */
  apply(name: string, host: LabHost): Promise<boolean>;
  /** Resolves when nothing of anything that was said is left. */
  clear(): Promise<void>;
  /** Resolves when all hosts belong to the cluster, and nobody has any doubt of it. */
  settled(): Promise<void>;
  /** The label that its containers have. */
  label(name: string): string;
}

/** Looks again and again, as often as does not disturb what it looks at. */
export async function until(what: string, look: () => Promise<boolean> | boolean): Promise<void> {
  const end = performance.now() + limitMs;
  while (!(await look())) {
    if (performance.now() > end) throw new Error(`waited ${limitMs} ms in vain: ${what}`);
    await sleep(20);
  }
}

/** How many containers with this label run there, as the engine says. */
export async function running(host: LabHost, label: string): Promise<number> {
  return (await host.docker.listContainers({ filters: { label: [label] } })).length;
}

export interface CutOff {
  /** From the loss of the host until all its pods were ready elsewhere. */
  readonly movedMs: number;
  /** From its return until none of its pods was left there that was superfluous by then. */
  readonly rejoinedMs: number;
}

/** Cuts off a host with a third of the pods, and heals it. */
export async function cutOff(side: Side, hosts: readonly LabHost[], name: string): Promise<CutOff> {
  await side.place(name);
  const lost = await side.following();
  const others = hosts.filter((host) => host !== lost);
  const begun = performance.now();
  await lost.cut();
  await until("all pods are ready elsewhere", async () => (await side.ready(name, others)) === replicas);
  const movedMs = performance.now() - begun;
  const left = await running(lost, side.label(name));
  if (left !== replicas / hosts.length) throw new Error(`${left} pods run on ${lost.name}, which nobody could tell to`);
  await sleep(Math.max(0, cutMs - movedMs));
  const healed = performance.now();
  await lost.heal();
  await until("no superfluous pod is left", async () => (await running(lost, side.label(name))) === 0);
  const rejoinedMs = performance.now() - healed;
  await side.clear();
  return { movedMs, rejoinedMs };
}

export type Losable = Pick<LabHost, "cut" | "heal">;

export interface Unled {
  /** From the loss of the leader until the next apply was accepted. */
  readonly acceptedMs: number;
  /** Until the first pod of it was ready. */
  readonly readyMs: number;
}

/** Cuts off the leading host, and what else is lost with it, and applies on another until that is accepted. */
export async function cutOffLeader(
  side: Side,
  hosts: readonly LabHost[],
  name: string,
  more?: Losable,
): Promise<Unled> {
  const lost = await side.leading();
  const others = hosts.filter((host) => host !== lost);
  const [from] = others;
  if (!from) throw new Error("no host is left");
  const begun = performance.now();
  await Promise.all([lost.cut(), more?.cut()]);
  const { accepted, attempts } = await firstAccepted(side, name, from);
  const acceptedMs = performance.now() - begun;
  await until("a pod of it is ready", async () => (await side.ready(accepted, others)) > 0);
  const readyMs = performance.now() - begun;
  await Promise.all([lost.heal(), more?.heal()]);
  await Promise.all(attempts);
  await side.settled();
  await side.clear();
  return { acceptedMs, readyMs };
}

/** Tries again without waiting for the last attempt, which may have gone to nobody and then takes its time to say so. */
async function firstAccepted(side: Side, name: string, from: LabHost) {
  let accepted: string | undefined;
  const attempts: Promise<void>[] = [];
  const attempt = async (attempted: string) => {
    if (await side.apply(attempted, from)) accepted ??= attempted;
  };
  let dueMs = performance.now();
  await until("an apply is accepted", () => {
    if (accepted === undefined && performance.now() >= dueMs) {
      // Each has a name of its own: what is unknown of one must not stand in the way of the next.
      attempts.push(attempt(`${name}-${attempts.length}`));
      dueMs += attemptMs;
    }
    return accepted !== undefined;
  });
  return { accepted: accepted ?? "", attempts };
}
