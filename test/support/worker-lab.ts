// A node of its own for a test: an embedded store, a worker on a real engine, and a master's pen. Everything is gone when the test ends.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Docker from "dockerode";
import { type Clock, systemClock } from "../../src/clock.ts";
import type { Log } from "../../src/log.ts";
import { silentLog } from "../../src/log.ts";
import { placementsKey, revisionKey, statusesKey } from "../../src/model/keys.ts";
import type { Placement, PodStatus } from "../../src/model/pod.ts";
import type { PodTemplate } from "../../src/model/template.ts";
import { ensureCluster } from "../../src/store/cluster.ts";
import { openStore } from "../../src/store/open-store.ts";
import { put, type Store } from "../../src/store/store.ts";
import { openDocker } from "../../src/worker/docker.ts";
import { openLinuxRoutes } from "../../src/worker/routes-linux.ts";
import type { Runtime } from "../../src/worker/runtime.ts";
import { startWorker, type Worker } from "../../src/worker/worker.ts";
import { revisionOf } from "./builders.ts";
import { eventually } from "./eventually.ts";

/** The image that every test of a worker runs; `make` builds it. */
export const demoImage = "orchestra-demo:1";

interface Test {
  after(clean: () => Promise<void>): void;
}

export interface Lab {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly docker: Docker;
  readonly cluster: string;
  readonly folder: string;
  readonly node: string;
  /** Starts a worker; a second one takes over after the first was closed. */
  start(options?: StartOptions): Promise<Worker>;
  /** Adds or replaces pods of one template: as many as there are ids. */
  place(deployment: string, template: Partial<PodTemplate>, count: number): Promise<readonly Placement[]>;
  /** Writes the placements as the function changes them. */
  change(edit: (placements: readonly Placement[]) => readonly Placement[]): Promise<void>;
  statuses(): Promise<readonly PodStatus[]>;
  /** Waits until the statuses are as `is` wants them. */
  until(what: string, is: (statuses: readonly PodStatus[]) => boolean, limitMs?: number): Promise<readonly PodStatus[]>;
}

/** What a worker is given in the place of the lab's own. */
export interface StartOptions {
  readonly store?: Store;
  readonly runtime?: Runtime;
  readonly log?: Log;
  readonly clock?: Clock;
}

export interface LabOptions {
  /** An engine of the test's own, closed when the test ends. */
  readonly engine?: { readonly host: string; close(): Promise<void> };
  /** Absent: a file of its own. */
  readonly storeUrl?: string;
}

export async function workerLab(test: Test, { engine, storeUrl }: LabOptions = {}): Promise<Lab> {
  const host = engine?.host;
  const folder = await mkdtemp(join(tmpdir(), "orchestra-test-"));
  const store = await openStore(storeUrl ?? `file:${join(folder, "store.db")}`, { create: true });
  const cluster = await ensureCluster(store, { now: systemClock.wall() });
  const node = "node-1";
  const owner = { cluster: cluster.id, node };
  const address = host === undefined ? {} : { host };
  const runtime = openDocker({ ...address, configFolder: join(folder, "docker"), owner, log: silentLog });
  const docker = new Docker(host === undefined ? {} : { socketPath: host.slice("unix://".length) });
  const workers: Worker[] = [];
  test.after(async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    await store.close();
    await removeAll(docker, cluster.id);
    await engine?.close();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  const lab: Lab = {
    store,
    runtime,
    docker,
    cluster: cluster.id,
    folder,
    node,
    async start(given = {}) {
      const worker = await startWorker({
        store: given.store ?? store,
        runtime: given.runtime ?? runtime,
        host: openLinuxRoutes(cluster.id),
        clock: given.clock ?? systemClock,
        log: given.log ?? silentLog,
        facts: { node, key: "k1", address: "127.0.0.1", hostname: "host-1", labels: {}, version: "0.1.0" },
        cluster,
        stateDir: join(folder, cluster.id),
        validateTemplate: (value) => value as PodTemplate,
      });
      workers.push(worker);
      return worker;
    },
    async place(deployment, fields, count) {
      const template = { image: demoImage, ...fields };
      const revision = revisionOf(template);
      const key = revisionKey(deployment, revision);
      if (!(await store.read(key))) await store.commit({ changes: [put(key, template, "absent")] });
      const placements = Array.from({ length: count }, (_, slot): Placement => {
        return { pod: randomBytes(6).toString("hex"), deployment, slot, revision };
      });
      await lab.change((old) => [...old, ...placements]);
      return placements;
    },
    async change(edit) {
      const key = placementsKey(node);
      const found = await store.read(key);
      const placements = edit(found?.value.placements ?? []);
      await store.commit({ changes: [put(key, { placements }, found?.version ?? "absent")] });
    },
    statuses: async () => (await store.read(statusesKey(node)))?.value.statuses ?? [],
    async until(what, is, limitMs = 30_000) {
      let seen: readonly PodStatus[] = [];
      const look = async () => {
        seen = await lab.statuses();
        return is(seen);
      };
      await eventually(what, look, limitMs).catch((error: Error) => {
        throw new Error(`${error.message}; seen last: ${JSON.stringify(seen)}`);
      });
      return seen;
    },
  };
  return lab;
}

/** All of them, and there are `count`. */
export function all(count: number, phase: PodStatus["phase"]): (statuses: readonly PodStatus[]) => boolean {
  return (statuses) => statuses.length === count && statuses.every((status) => status.phase === phase);
}

/** Removes every container and network of a cluster; fine when the engine is gone. */
export async function removeAll(docker: Docker, cluster: string): Promise<void> {
  const filters = { label: [`orchestra.cluster=${cluster}`] };
  const containers = await docker.listContainers({ all: true, filters }).catch(() => []);
  await Promise.all(
    containers.map(({ Id }) =>
      docker
        .getContainer(Id)
        .remove({ force: true })
        .catch(() => {}),
    ),
  );
  const networks = await docker.listNetworks({ filters }).catch(() => []);
  await Promise.all(
    networks.map(({ Id }) =>
      docker
        .getNetwork(Id)
        .remove()
        .catch(() => {}),
    ),
  );
}
