// The only wiring: builds the adapters and starts the roles of this machine in order. Decides nothing.
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { hostname, networkInterfaces } from "node:os";
import { dirname, join } from "node:path";
import type { Limits } from "./apply/guards.ts";
import type { Clock } from "./clock.ts";
import { sleep } from "./clock.ts";
import type { Config } from "./config.ts";
import { publishedImage } from "./dns/coredns-container.ts";
import { findProgram, foldersOf, type Program, stopCoredns } from "./dns/coredns-process.ts";
import { type DnsStatus, dnsStatus } from "./dns/coredns-status.ts";
import { startDns } from "./dns/dns.ts";
import { type Log, silentLog } from "./log.ts";
import { validateTemplate } from "./manifest/manifest.ts";
import { startMaster } from "./master/master.ts";
import type { ClusterDocument } from "./model/cluster.ts";
import { messageOf } from "./model/errors.ts";
import type { RoleName } from "./model/role.ts";
import { machineId, sourceId } from "./model/sync.ts";
import { clusterFolder } from "./state-folder.ts";
import type { Store } from "./store/store.ts";
import { openDirectory } from "./sync/directory.ts";
import { Reach } from "./sync/directory-reach.ts";
import { openGit } from "./sync/git.ts";
import { type Answering, type AnsweringOptions, answer } from "./sync/http.ts";
import { mountsPath } from "./sync/mounts.ts";
import { sourceName } from "./sync/source.ts";
import { type Sync, startSync } from "./sync/sync.ts";
import type { Target } from "./sync/target.ts";
import { openDocker } from "./worker/docker.ts";
import { type Identity, knownNode, nodeIdentity } from "./worker/identity.ts";
import { ownAddress } from "./worker/own-address.ts";
import type { HostNetwork } from "./worker/routes.ts";
import { openLinuxRoutes } from "./worker/routes-linux.ts";
import { removeRouting } from "./worker/routing.ts";
import type { Runtime } from "./worker/runtime.ts";
import { startWorker } from "./worker/worker.ts";

export interface RolesOptions {
  readonly config: Config;
  readonly store: Store;
  readonly cluster: ClusterDocument;
  /** Of this program. */
  readonly version: string;
  readonly wanted: readonly RoleName[];
  readonly clock: Clock;
  readonly log: Log;
  /** Gives up a start under way. */
  readonly stop: AbortSignal;
}

export interface Roles {
  readonly node: string;
  /** What does not work yet, for people. The roles go on trying. */
  readonly warnings: readonly string[];
  /** Stop deciding, stop writing the zone, leave the containers as they are. CoreDNS runs on. */
  close(): Promise<void>;
}

/** CoreDNS answers half a second after its start; an image that must be pulled first takes longer than anybody should wait here. */
const namesLimitMs = 15_000;
const namesLookMs = 25;

/** Starts the roles that are wanted: worker, dns and master, in this order. Throws `conflict` when this node runs already; an engine that does not answer is waited for behind the caller's back. */
export async function startRoles(options: RolesOptions): Promise<Roles> {
  const { config, store, cluster, wanted, clock, log, stop } = options;
  const identity = await ownIdentity(config, store);
  const { node } = identity;
  const folder = clusterFolder(config.stateDir, cluster.id);
  const runtime = openRuntime(config, { cluster: cluster.id, node }, log);
  const closers: (() => Promise<void>)[] = [];
  const close = async () => {
    for (const closeRole of closers.splice(0).reverse()) {
      await closeRole().catch((error: unknown) => log.error("a role did not close well", { error: messageOf(error) }));
    }
  };
  try {
    const { nodeLabels: labels } = config;
    const address = config.nodeAddress ?? (await hostAddress());
    const facts = { ...identity, labels, address, hostname: hostname(), version: options.version };
    const shared = { store, clock, log };
    if (wanted.includes("worker")) {
      const host = hostNetwork(cluster.id);
      const worker = await startWorker({
        ...shared,
        runtime,
        host,
        facts,
        cluster,
        stateDir: folder,
        validateTemplate,
        stop,
      });
      closers.push(() => worker.close());
    }
    if (wanted.includes("dns")) {
      const dns = await startDns({ ...shared, node, ...corednsPlaces(config, folder) });
      closers.push(() => dns.close());
    }
    if (wanted.includes("master")) {
      const master = startMaster({ ...shared, stateDir: folder, nodeLostAfterMs: config.nodeLostAfterMs });
      closers.push(() => master.close());
    }
    const warnings = wanted.includes("dns") ? await whatIsMissing(runtime, folder, clock, stop) : [];
    return { node, warnings, close };
  } catch (error) {
    await close();
    throw error;
  }
}

export interface FollowOptions {
  readonly config: Pick<Config, "stateDir" | "nodeName">;
  readonly store: Store;
  /** The cluster's id. */
  readonly cluster: string;
  readonly target: Target;
  /** How often a remote is asked. */
  readonly intervalMs: number;
  /** Applies what is valid although something is not. */
  readonly partial: boolean;
  /** Takes back what was changed by hand. */
  readonly heals: boolean;
  /** Takes over what other sources own. */
  readonly adopt: boolean;
  /** How much one pass may do before a person has looked. */
  readonly limits: Limits;
  /** Follows a branch whose history was written anew without asking a person. */
  readonly allowForcePush: boolean;
  /** Called after each pass. */
  readonly passed?: () => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** Keeps the cluster equal to a folder or a branch, as soon as no other sync follows the same. Of a folder throws as `nodeIdentity` does. */
export async function startFollowing(options: FollowOptions): Promise<Sync> {
  const { config, cluster, target, intervalMs, ...others } = options;
  const { store, clock, log } = others;
  const folder = clusterFolder(config.stateDir, cluster);
  const host = { host: hostname(), address: await hostAddress() };
  const common = { ...others, ...host, pid: process.pid, stateDir: folder };
  if (target.kind === "directory") {
    const { path } = target;
    const { node, key, boot } = await ownIdentity(config, store);
    const machine = { id: machineId(key), ...(boot === undefined ? {} : { boot }), isShared: isShared(store) };
    const follows = { kind: "directory", node, path } as const;
    const reach = new Reach({ path, clock });
    const mountsFile = mountsPath(folder, sourceName(follows));
    const open = (wake: () => void) => openDirectory({ path, wake, clock, log, reach, mountsFile });
    return startSync({ ...common, follows, machine, open });
  }
  const { url, shown, branch, path } = target;
  const follows = { kind: "git", url: shown, branch, path } as const;
  const mirror = join(folder, "git", sourceId(sourceName(follows)));
  return startSync({ ...common, follows, open: (wake) => openGit({ url, follows, mirror, intervalMs, wake, clock }) });
}

/** The name under which a sync of this node follows it. */
export function sourceOf(target: Target, node: string): string {
  return sourceName(target.kind === "directory" ? { ...target, node } : { ...target, url: target.shown });
}

/** Tells over HTTP how the sync does that `sync` gives, once there is one. */
export function answerFor(
  sync: () => Sync | undefined,
  { clock, ...where }: Pick<AnsweringOptions, "address" | "anyPort" | "log"> & { readonly clock: Clock },
): Promise<Answering> {
  return answer({ ...where, reading: () => sync()?.reading(), now: () => clock.now() });
}

/** The engine with the containers of one node. */
export function openRuntime(config: Config, owner: { cluster: string; node: string }, log: Log = silentLog): Runtime {
  const { dockerHost, dockerConfigDir } = config;
  const host = dockerHost === undefined ? {} : { host: dockerHost };
  return openDocker({ ...host, configFolder: dockerConfigDir, owner, log });
}

/** Who this machine is, from its first start on. */
function ownIdentity({ stateDir, nodeName }: Pick<Config, "stateDir" | "nodeName">, store: Store): Promise<Identity> {
  return nodeIdentity({ stateDir, wanted: nodeName, isShared: isShared(store) });
}

/** Whether other machines may use the store too. */
function isShared({ url }: Store): boolean {
  return !url.startsWith("file:");
}

/** The node that this machine is; undefined: nothing has started here yet. */
export function ownNode(stateDir: string): Promise<string | undefined> {
  return knownNode(stateDir);
}

/** What is known of the CoreDNS of a cluster on this machine; undefined: none was started, or it was stopped on purpose. */
export function namesStatus(stateDir: string, cluster: string): Promise<DnsStatus | undefined> {
  return dnsStatus(clusterFolder(stateDir, cluster));
}

/** Stops the CoreDNS of a cluster; false when none ran. */
export function stopNames(stateDir: string, cluster: string): Promise<boolean> {
  return stopCoredns(clusterFolder(stateDir, cluster));
}

/** The routes to other nodes of a cluster that this host has, and what lets their traffic in. */
export function hostNetwork(cluster: string): HostNetwork {
  return openLinuxRoutes(cluster);
}

/** Removes them. */
export function removeRoutes(cluster: string): Promise<void> {
  return removeRouting(hostNetwork(cluster), cluster);
}

/** The CoreDNS that would be started. */
export function findNamesProgram({ searchPath }: Config): Promise<Program> {
  return findProgram([...foldersOf(searchPath), join(packageFolder(), ".cache", "bin")], publishedImage);
}

function corednsPlaces({ searchPath, dnsPort, dockerHost }: Config, stateDir: string) {
  const engine = dockerHost?.startsWith("unix://") ? { socketPath: dockerHost.slice("unix://".length) } : {};
  return { stateDir, packageDir: packageFolder(), searchPath, engine, localPort: dnsPort };
}

/** Where this program is installed: the sources and the bundle lie at different depths below it. */
function packageFolder(from = import.meta.dirname): string {
  if (existsSync(join(from, "package.json")) || from === dirname(from)) return from;
  return packageFolder(dirname(from));
}

async function hostAddress(): Promise<string> {
  return ownAddress(networkInterfaces(), await readFile("/proc/net/route", "utf8").catch(() => ""));
}

/** Waits until names are answered. What is still missing then is told instead. */
async function whatIsMissing(runtime: Runtime, folder: string, clock: Clock, stop: AbortSignal): Promise<string[]> {
  try {
    await runtime.info(stop);
  } catch (error) {
    stop.throwIfAborted();
    return [`${messageOf(error)}. Pods start as soon as it does.`];
  }
  const limit = clock.now() + namesLimitMs;
  while (clock.now() < limit) {
    const status = await dnsStatus(folder);
    if (status?.answeredSerial !== undefined) return [];
    await sleep(clock, namesLookMs, stop);
  }
  return ["Names are not answered yet; orchestra doctor tells why."];
}
