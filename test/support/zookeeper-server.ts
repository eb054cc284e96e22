// A real ZooKeeper for a test: one server or an ensemble, on loopback addresses and in a folder of its own.
import { randomInt } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Certificates, makeCertificates } from "./certificates.ts";
import { eventually } from "./eventually.ts";
import { serverPorts, type ZooKeeperServer, zooKeeperServer } from "./zookeeper-process.ts";

export type { ZooKeeperServer } from "./zookeeper-process.ts";

export interface ZooKeeperOptions {
  /** 1, or 3 for an ensemble. */
  readonly servers?: 1 | 3;
  /** Machines of a lab to run them on, one for each server; absent: this one. */
  readonly machines?: readonly ServerPlace[];
  /** Sessions last at least two ticks (the default makes that 1 s) and at most a minute. */
  readonly tickMs?: number;
  /** "need": clients must show a certificate. Plain connections work beside it. */
  readonly tls?: "need" | "none";
  /** More lines of zoo.cfg. */
  readonly config?: Readonly<Record<string, string | number>>;
  /** More options of Java, as "-Djute.maxbuffer=4194304". */
  readonly java?: readonly string[];
  /** Wait for the disk at each write, as real servers do. Tests, whose machine never loses power, go without. */
  readonly forceSync?: boolean;
}

export interface ServerPlace {
  /** The address that the server has there. */
  readonly host: string;
  /** A command line that begins with these words runs in the machine's network, as a process of ours. */
  readonly enter: readonly string[];
}

export interface RunningZooKeeper {
  readonly servers: readonly ZooKeeperServer[];
  /** "host:port,host:port", as clients take it. */
  readonly connect: string;
  /** Only with TLS. The client's certificate is for those servers that need one. */
  readonly certificates: Certificates | undefined;
  readonly folder: string;
  /** Waits until clients are served: a quorum of those that run has a leader. Resolves with the leader, or the single server. */
  leader(): Promise<ZooKeeperServer>;
  /**
   * Waits until every server serves clients. Only then may a test take one away and count on the others: a server that comes back joins a leader
   * that a quorum follows, and cannot while the only follower is frozen (FastLeaderElection counts the votes that arrive); the leader then gives up.
   */
  whole(limitMs?: number): Promise<void>;
  /** Kills all and removes what they have stored. Also done when the process ends without it. */
  close(): Promise<void>;
}

/** Resolves when every server serves. Passwords of digest need nothing on the server: every server knows them. */
export async function startZooKeeper(options: ZooKeeperOptions = {}): Promise<RunningZooKeeper> {
  const folder = await mkdtemp(join(tmpdir(), "orchestra-test-"));
  // Loopback is a whole network: an address of one's own saves looking for free ports, which another test may take meanwhile.
  const network = `127.${randomInt(1, 255)}.${randomInt(0, 256)}`;
  const places: readonly ServerPlace[] =
    options.machines ??
    Array.from({ length: options.servers ?? 1 }, (_, index) => ({ host: `${network}.${index + 1}`, enter: [] }));
  const hosts = places.map(({ host }) => host);
  const servers: ZooKeeperServer[] = [];
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  const end = () => {
    for (const { pid } of servers) if (pid !== 0) killQuietly(pid);
    removeFolder();
  };
  process.once("exit", end);
  const close = async () => {
    process.removeListener("exit", end);
    await Promise.all(servers.map((server) => server.kill()));
    removeFolder();
  };
  try {
    const certificates = options.tls && (await makeCertificates(folder, hosts));
    if (certificates) await writeStores(folder, certificates);
    for (const place of places) servers.push(await prepare(folder, place, hosts, options));
    await Promise.all(servers.map((server) => server.start()));
    const leader = () => eventually("ZooKeeper serves", () => leaderOf(servers), 30_000);
    const whole = async (limitMs = 60_000) => {
      await eventually("every server of ZooKeeper serves", () => allServe(servers), limitMs);
    };
    await whole();
    const connect = hosts.map((host) => `${host}:${serverPorts.plain}`).join(",");
    return { servers, connect, certificates, folder, leader, whole, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function leaderOf(servers: readonly ZooKeeperServer[]): Promise<ZooKeeperServer | undefined> {
  const modes = await modesOf(servers);
  const followers = modes.filter((mode) => mode === "follower").length;
  const isServed = servers.length === 1 || followers + 1 > servers.length / 2;
  return isServed ? servers.find((_, index) => modes[index] === "leader" || modes[index] === "standalone") : undefined;
}

async function allServe(servers: readonly ZooKeeperServer[]): Promise<boolean> {
  return (await modesOf(servers)).every((mode) => mode !== undefined);
}

/** How each of them serves, in their order; undefined for those that serve nobody. */
export function modesOf(servers: readonly ZooKeeperServer[]): Promise<Awaited<ReturnType<ZooKeeperServer["mode"]>>[]> {
  return Promise.all(servers.map((server) => server.mode()));
}

async function prepare(
  folder: string,
  { host, enter }: ServerPlace,
  hosts: readonly string[],
  options: ZooKeeperOptions,
): Promise<ZooKeeperServer> {
  const number = hosts.indexOf(host) + 1;
  const own = join(folder, `${number}`);
  await mkdir(join(own, "data"), { recursive: true });
  await writeFile(join(own, "data", "myid"), `${number}\n`);
  const peers = hosts.map((peer, index) => [
    `server.${index + 1}`,
    `${peer}:${serverPorts.quorum}:${serverPorts.election}`,
  ]);
  const config = {
    tickTime: options.tickMs ?? 500,
    maxSessionTimeout: 60_000,
    initLimit: 20,
    syncLimit: 6,
    dataDir: join(own, "data"),
    clientPort: serverPorts.plain,
    clientPortAddress: host,
    "admin.enableServer": "false",
    "4lw.commands.whitelist": "*",
    ...(hosts.length > 1 && Object.fromEntries(peers)),
    ...(options.tls && { secureClientPort: serverPorts.secure, secureClientPortAddress: host }),
    ...options.config,
  };
  const lines = Object.entries(config).map(([key, value]) => `${key}=${value}\n`);
  await writeFile(join(own, "zoo.cfg"), lines.join(""));
  const java = [
    `-Dzookeeper.forceSync=${options.forceSync ? "yes" : "no"}`,
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    ...(options.tls ? tlsProperties(folder, options.tls) : []),
    ...(options.java ?? []),
  ];
  return zooKeeperServer({ folder: own, host, enter, java, isSecure: options.tls !== undefined });
}

/** The server wants its key and its certificate in one file. */
async function writeStores(folder: string, { ca, server }: Certificates): Promise<void> {
  await writeFile(join(folder, "key-store.pem"), server.key + server.cert);
  await writeFile(join(folder, "trust-store.pem"), ca);
}

function tlsProperties(folder: string, clientAuth: "need" | "none"): string[] {
  return [
    "-Dzookeeper.serverCnxnFactory=org.apache.zookeeper.server.NettyServerCnxnFactory",
    `-Dzookeeper.ssl.keyStore.location=${join(folder, "key-store.pem")}`,
    `-Dzookeeper.ssl.trustStore.location=${join(folder, "trust-store.pem")}`,
    `-Dzookeeper.ssl.clientAuth=${clientAuth}`,
    // A client's certificate says who it is, not where.
    "-Dzookeeper.ssl.hostnameVerification=false",
  ];
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended meanwhile.
  }
}
