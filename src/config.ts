// Settings from the environment, read once at the edge: `process.env` appears nowhere else in src/.
// Reads the environment and who runs us; writes nothing. Functions get the value they need, never the Config.
import { isIPv4 } from "node:net";
import { homedir } from "node:os";
import { isAbsolute, join } from "node:path";
import { defaultNetworkRange } from "./model/cluster.ts";
import { parseDuration } from "./model/duration.ts";
import { OrchestraError } from "./model/errors.ts";
import type { StoreAccess } from "./model/store-access.ts";

const logLevels = ["debug", "info", "warn", "error"] as const;

export interface Config {
  /** What must outlive a process: the node's name and key, the store, and one folder for each cluster. */
  readonly stateDir: string;
  /** What may be deleted at any time. */
  readonly cacheDir: string;
  readonly storeUrl: string;
  /** Credentials and certificates for a store on servers. */
  readonly storeAccess: StoreAccess;
  /** Absent: the one kept in the state folder, at the first start the host's name. */
  readonly nodeName: string | undefined;
  /** What `nodeSelector` of a manifest can ask of this node. Its variable may be empty: no labels. */
  readonly nodeLabels: Readonly<Record<string, string>>;
  /** Where other nodes reach this one. Absent: the address of the interface that leads out. */
  readonly nodeAddress: string | undefined;
  /** Only a new cluster takes it: afterwards the range stands in the `cluster` document. */
  readonly networkRange: string;
  /** Where CoreDNS answers on loopback, besides port 53 on the bridge. */
  readonly dnsPort: number;
  /** How long a worker may be away before its node is lost and its pods get successors elsewhere. */
  readonly nodeLostAfterMs: number;
  readonly logLevel: (typeof logLevels)[number];
  /** As Docker's own programs read it: `unix:///run/docker.sock`. Absent: the engine's usual socket. */
  readonly dockerHost: string | undefined;
  /** The docker command's own settings, where credentials of registries are. */
  readonly dockerConfigDir: string;
  /** Where programs are looked for. */
  readonly searchPath: string;
  /** Who acts, for people: the login name. */
  readonly user: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads every setting. Throws `invalid` with the variable's name for the first value that cannot be used. A variable of ours that is set
 * and empty is one: `ORCHESTRA_STATE_DIR="$folder"` with `folder` misspelt must not act on the machine's real cluster.
 */
export function readConfig(env: Environment = process.env, uid = process.getuid?.() ?? -1): Config {
  const home = env["HOME"] || homedir();
  const xdgState = env["XDG_STATE_HOME"] || join(home, ".local", "state");
  const xdgCache = env["XDG_CACHE_HOME"] || join(home, ".cache");
  const stateDir = folder(env, "ORCHESTRA_STATE_DIR", uid === 0 ? "/var/lib/orchestra" : join(xdgState, "orchestra"));
  return Object.freeze({
    stateDir,
    cacheDir: folder(env, "ORCHESTRA_CACHE_DIR", join(xdgCache, "orchestra")),
    storeUrl: storeUrl(env, `file:${join(stateDir, "store.db")}`),
    storeAccess: storeAccess(env),
    nodeName: nodeName(env),
    nodeLabels: nodeLabels(env),
    nodeAddress: nodeAddress(env),
    networkRange: networkRange(env),
    dnsPort: port(env, "ORCHESTRA_DNS_PORT", 5300),
    nodeLostAfterMs: duration(env, "ORCHESTRA_NODE_LOST_AFTER", "5s"),
    logLevel: oneOf(env, "ORCHESTRA_LOG_LEVEL", logLevels, "info"),
    dockerHost: dockerHost(env),
    dockerConfigDir: env["DOCKER_CONFIG"] || join(home, ".docker"),
    searchPath: env["PATH"] ?? "",
    user: env["SUDO_USER"] || env["USER"] || env["LOGNAME"] || (uid === 0 ? "root" : `uid ${uid}`),
  });
}

/** ORCHESTRA_DEBUG: errors come with their stack traces. Apart from the Config, because a bad Config is an error too. */
export function wantsDebug(env: Environment = process.env): boolean {
  return Boolean(env["ORCHESTRA_DEBUG"]);
}

/** The environment for a program that we call: what `adapt` makes of ours. */
export function childEnvironment(adapt: (own: Environment) => Environment): Environment {
  return adapt(process.env);
}

/** Undefined where it is not set. */
function setting(env: Environment, name: string): string | undefined {
  const value = env[name];
  if (value === "") throw bad(name, value, "is no value", "unset it for the default, or give it a value");
  return value;
}

function folder(env: Environment, name: string, fallback: string): string {
  const value = setting(env, name) ?? fallback;
  if (!isAbsolute(value)) throw bad(name, value, "is no absolute path", "write it from / on");
  return value;
}

function storeUrl(env: Environment, fallback: string): string {
  const value = setting(env, "ORCHESTRA_STORE") ?? fallback;
  if (!/^(file:|zks?:\/\/)./i.test(value)) {
    // Whatever stands before an @ may be a password.
    const shown = value.replace(/^.*@/s, "…@");
    const hint = "write file: and a path, as file:/var/lib/orchestra/store.db, or zk://HOST,HOST,HOST/PATH";
    throw bad("ORCHESTRA_STORE", shown, "is no store", hint);
  }
  return value;
}

/** What goes together is looked at when the store is opened: commands that need none work with half a set. */
function storeAccess(env: Environment): StoreAccess {
  const file = (name: string) => {
    const value = setting(env, name);
    return value === undefined ? undefined : folder(env, name, value);
  };
  return Object.freeze({
    user: setting(env, "ORCHESTRA_STORE_USER"),
    password: setting(env, "ORCHESTRA_STORE_PASSWORD"),
    passwordFile: file("ORCHESTRA_STORE_PASSWORD_FILE"),
    caFile: file("ORCHESTRA_STORE_CA_FILE"),
    certFile: file("ORCHESTRA_STORE_CERT_FILE"),
    keyFile: file("ORCHESTRA_STORE_KEY_FILE"),
    insecure: oneOf(env, "ORCHESTRA_INSECURE_STORE", ["0", "1"], "0") === "1",
  });
}

function nodeName(env: Environment): string | undefined {
  const value = setting(env, "ORCHESTRA_NODE");
  if (value !== undefined && !/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value)) {
    const hint = "at most 63 lower-case letters, digits and hyphens, first and last a letter or digit";
    throw bad("ORCHESTRA_NODE", value, "is no name for a node", hint);
  }
  return value;
}

function nodeLabels(env: Environment): Readonly<Record<string, string>> {
  const name = "ORCHESTRA_NODE_LABELS";
  const pairs = (env[name] ?? "").split(",").map((pair) => pair.trim());
  const labels = pairs.flatMap((pair) => {
    if (pair === "") return [];
    const [, key, value] = /^([A-Za-z0-9][A-Za-z0-9._/-]*)=([A-Za-z0-9._-]*)$/.exec(pair) ?? [];
    if (key === undefined || value === undefined) {
      throw bad(name, pair, "is no label", "write name=value, and commas between them, as disk=ssd,zone=a");
    }
    if (key.startsWith("orchestra."))
      throw bad(name, pair, "begins with orchestra.", "those labels are orchestra's own");
    return [[key, value] as const];
  });
  return Object.freeze(Object.fromEntries(labels));
}

function nodeAddress(env: Environment): string | undefined {
  const value = setting(env, "ORCHESTRA_NODE_ADDRESS");
  if (value !== undefined && (!isIPv4(value) || /^(0|127)\./.test(value))) {
    throw bad("ORCHESTRA_NODE_ADDRESS", value, "is no address of this host", "write an IPv4 address as 192.168.1.10");
  }
  return value;
}

function networkRange(env: Environment): string {
  const name = "ORCHESTRA_NETWORK_RANGE";
  const value = setting(env, name) ?? defaultNetworkRange;
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(value);
  const numbers = match?.slice(1).map(Number) ?? [];
  const [a = 256, b = 256, c = 256, d = 256, bits = 33] = numbers;
  const hint = `write a range as ${defaultNetworkRange}, from /8 to /24: every node takes a /24 out of it`;
  if ([a, b, c, d].some((part) => part > 255) || bits < 8 || bits > 24) throw bad(name, value, "is no range", hint);
  if (a === 0 || a === 127 || a >= 224)
    throw bad(name, value, "is no range for containers", "10.42.0.0/16 is the default");
  const address = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  if (address % 2 ** (32 - bits) !== 0) {
    throw bad(name, value, `does not begin where a /${bits} begins`, "set the bits after the prefix to 0");
  }
  return value;
}

function port(env: Environment, name: string, fallback: number): number {
  const value = setting(env, name) ?? String(fallback);
  const number = Number(value);
  if (!/^\d+$/.test(value) || number < 1 || number > 65_535) {
    throw bad(name, value, "is no port", "write a number from 1 to 65535");
  }
  return number;
}

function duration(env: Environment, name: string, fallback: string): number {
  return parseDuration(setting(env, name) ?? fallback, name);
}

function oneOf<T extends string>(env: Environment, name: string, allowed: readonly T[], fallback: T): T {
  const value = setting(env, name) ?? fallback;
  const found = allowed.find((candidate) => candidate === value);
  if (found === undefined) throw bad(name, value, "is not known", `write one of ${allowed.join(", ")}`);
  return found;
}

function dockerHost(env: Environment): string | undefined {
  const value = env["DOCKER_HOST"] || undefined;
  if (value !== undefined && !/^(unix|tcp|https?):\/\/./.test(value)) {
    throw bad("DOCKER_HOST", value, "is no address of an engine that orchestra can use", "write unix:// and a path");
  }
  return value;
}

function bad(name: string, value: string, problem: string, hint: string): OrchestraError {
  return new OrchestraError("invalid", `${name}: "${value}" ${problem}`, { hint });
}
