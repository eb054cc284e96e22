// Many hosts on one machine: each with a network, processes, a Docker engine, and whatever orchestra starts there; beside them three ZooKeeper
// servers on machines of their own. Needs root. Everything is gone when the lab is closed, or when this process ends, however it ends.
import { randomBytes } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { observe } from "../../src/cli/show/observe.ts";
import { type PodRow, podRows } from "../../src/cli/show/rows.ts";
import { openStore } from "../../src/store/open-store.ts";
import type { Store } from "../../src/store/store.ts";
import { eventually } from "./eventually.ts";
import { removeCgroups, saveImages } from "./lab/engine.ts";
import { type LabHost, startHost } from "./lab/host.ts";
import { type Cable, type Lan, openLan } from "./lab/lan.ts";
import { type Machine, startMachine } from "./lab/machine.ts";
import { demoImage } from "./worker-lab.ts";
import { type RunningZooKeeper, startZooKeeper } from "./zookeeper-server.ts";

export type { LabHost } from "./lab/host.ts";

export interface LabOptions {
  readonly hosts?: number;
  /** "file": all hosts share an embedded store, which only one machine with one file system can do. */
  readonly store?: "file" | "zookeeper";
  /** Of this machine's engine, for those of the hosts. */
  readonly images?: readonly string[];
  /** Of every process of orchestra in the lab. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Lab {
  /** In the names of all that it makes: `lab<id>`, `orchestra-lab-<id>`. */
  readonly id: string;
  readonly hosts: readonly LabHost[];
  readonly folder: string;
  readonly storeUrl: string;
  /** Of the store on servers: they can be killed, frozen, and cut off. */
  readonly zookeeper: (RunningZooKeeper & { readonly cables: readonly Cable[] }) | undefined;
  /** As this process sees it, which no cut cable of a host disturbs. */
  store(): Promise<Store>;
  /** As `get pods -o json` has them. */
  pods(deployment?: string): Promise<PodRow[]>;
  /** Writes a file that every host can read; returns its path. */
  write(name: string, text: string): string;
  close(): Promise<void>;
}

/** Why there can be no lab on this machine; undefined: there can. */
export function whyNoLab(): string | undefined {
  if (process.platform !== "linux") return "a lab needs the namespaces of Linux";
  return process.getuid?.() === 0 ? undefined : "a lab needs root";
}

/** What there is to end, as it comes to be. */
interface Ends {
  readonly machines: Machine[];
  readonly folder: string;
  readonly cgroup: string;
}

export async function openLab(options: LabOptions = {}): Promise<Lab> {
  const { hosts: count = 2, store = "zookeeper", images = [demoImage], env = {} } = options;
  const id = randomBytes(3).toString("hex");
  const cgroup = `orchestra-lab-${id}`;
  const folder = join(tmpdir(), cgroup);
  mkdirSync(folder, { mode: 0o700 });
  const ends: Ends = { machines: [], folder, cgroup };
  const stopWatching = endWithUs(ends);
  let lan: Lan | undefined;
  let zookeeper: Lab["zookeeper"];
  let opened: Store | undefined;
  const close = async () => {
    await opened?.close();
    await zookeeper?.close();
    await Promise.all(ends.machines.map((machine) => machine.kill()));
    await lan?.close();
    await eventually("the lab's cgroups are empty", () => removeCgroups(cgroup));
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    stopWatching();
  };
  try {
    const network = await openLan(id);
    lan = network;
    const file = join(folder, "images.tar");
    const saved = saveImages(images, file).then(() => file);
    if (store === "zookeeper") zookeeper = await startServers(network, ends.machines);
    const storeUrl = zookeeper ? `zk://${zookeeper.connect}/orchestra` : `file:${join(folder, "store.db")}`;
    const environment = { ...process.env, ...credentials(folder, zookeeper), ORCHESTRA_STORE: storeUrl, ...env };
    const hosts = await Promise.all(
      Array.from({ length: count }, (_, at) => {
        const [name, address] = [`host-${at + 1}`, network.address(11 + at)];
        const place = { name, address, folder: join(folder, name), cgroup: `/${cgroup}/${name}` };
        return startHost({ ...place, lan: network, environment }, saved, ends.machines);
      }),
    );
    const openOnce = async () => {
      opened ??= await openStore(storeUrl, { create: false, access: () => access });
      return opened;
    };
    return { id, hosts, folder, storeUrl, zookeeper, store: openOnce, ...looks(folder, openOnce), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What a test does with the lab's store and folder. */
function looks(folder: string, store: () => Promise<Store>): Pick<Lab, "pods" | "write"> {
  return {
    async pods(deployment) {
      const rows = podRows(await observe(await store()));
      return deployment === undefined ? rows : rows.filter((row) => row.deployment === deployment);
    },
    write(name, text) {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    },
  };
}

const access = { user: "lab", password: "lab" };

function credentials(folder: string, servers: Lab["zookeeper"]): Record<string, string> {
  if (!servers) return {};
  const path = join(folder, "password");
  writeFileSync(path, access.password, { mode: 0o600 });
  return { ORCHESTRA_STORE_USER: access.user, ORCHESTRA_STORE_PASSWORD_FILE: path };
}

/** Three servers, each behind a cable of its own. */
async function startServers(lan: Lan, machines: Machine[]): Promise<NonNullable<Lab["zookeeper"]>> {
  const places = await Promise.all(
    [21, 22, 23].map(async (last, at) => {
      const machine = await startMachine(`zookeeper-${at + 1}`);
      machines.push(machine);
      const cable = await lan.plug(machine, lan.address(last));
      return { host: cable.address, enter: machine.enterNetwork, cable };
    }),
  );
  const running = await startZooKeeper({ machines: places });
  return { ...running, cables: places.map(({ cable }) => cable) };
}

/** Processes end with this one anyway; what they leave on the disk is removed where there is a moment for it. */
function endWithUs({ machines, folder, cgroup }: Ends): () => void {
  const end = () => {
    for (const machine of machines) machine.end();
    const sleeper = new Int32Array(new SharedArrayBuffer(4));
    for (let attempt = 0; attempt < 100 && !removeCgroups(cgroup); attempt += 1) Atomics.wait(sleeper, 0, 0, 20);
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  // An exit of our own: what else this process has started, ZooKeeper's servers among it, ends with it too.
  const onSignal = (name: NodeJS.Signals) => process.exit(128 + constants.signals[name]);
  process.once("exit", end);
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.once(name, onSignal);
  return () => {
    process.removeListener("exit", end);
    for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.removeListener(name, onSignal);
  };
}
