// One ZooKeeper server as a process, from Debian's jars: started, frozen, killed, and started again on the same data.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, openSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { eventually } from "./eventually.ts";

const jars = "/usr/share/java";
/** The first names nearly all that it needs; TLS needs more, and the last writes the log. */
const classPath = [
  "zookeeper",
  "netty-codec",
  "netty-resolver",
  "netty-transport-native-unix-common",
  "slf4j-simple",
].map((name) => join(jars, `${name}.jar`));
/** Each server has an address of its own, so these numbers need not be looked for; no program is given such a low one by chance. */
const plainPort = 21_810;
const securePort = 21_811;
const startLimitMs = 60_000;

type ServerMode = "standalone" | "leader" | "follower";

export interface ZooKeeperServer {
  /** Its address; nobody else listens there. */
  readonly host: string;
  /** Without TLS. */
  readonly port: number;
  /** With TLS, for servers that were started with it. */
  readonly securePort: number;
  readonly pid: number;
  /** Starts it again on what it has stored. Resolves when it listens; `leader()` of all waits until they serve. */
  start(): Promise<void>;
  /** SIGKILL, and its end. Also ends a frozen one. */
  kill(): Promise<void>;
  /** SIGSTOP: its connections stay open and nothing answers. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
  /** Answers to a four-letter word, as "ruok" or "mntr". Rejects when nothing listens. */
  ask(word: string): Promise<string>;
  /** `undefined` while it serves nobody: down, frozen, or without a quorum. */
  mode(): Promise<ServerMode | undefined>;
}

/** Java's command line in front of the name of a class of ZooKeeper, for programs other than the server. Throws where ZooKeeper is missing. */
export function javaCommand(options: readonly string[] = []): [string, ...string[]] {
  const missing = classPath.find((path) => !existsSync(path));
  if (missing) throw new Error(`${missing} is missing: make test installs it (Debian's package libzookeeper-java)`);
  // Compiling little starts fastest; a server of a test never lives long enough to miss the rest.
  const quick = ["-Xmx128m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"];
  // It dies with the process that started it, even where that one is killed.
  return ["setpriv", "--pdeathsig", "KILL", "java", ...quick, ...options, "-cp", classPath.join(":")];
}

export const serverPorts = { plain: plainPort, secure: securePort, quorum: 21_812, election: 21_813 } as const;

export interface ServerSetup {
  /** Holds `zoo.cfg`, which names the address and ports, and gets `server.log`. */
  readonly folder: string;
  readonly host: string;
  /** What a command line begins with to be where the address is. */
  readonly enter: readonly string[];
  /** Options of Java. */
  readonly java: readonly string[];
  /** It listens for TLS too. */
  readonly isSecure?: boolean;
}

/** Not started yet. */
export function zooKeeperServer({ folder, host, enter, java, isSecure = false }: ServerSetup): ZooKeeperServer {
  let child: ChildProcess | undefined;
  let gone: Promise<unknown> = Promise.resolve();
  const isRunning = () => child !== undefined && child.exitCode === null && child.signalCode === null;
  const signal = (name: NodeJS.Signals) => {
    if (!isRunning()) throw new Error(`the server ${host} is not running`);
    child?.kill(name);
  };
  const ask = (word: string) => fourLetters(host, word);
  const log = join(folder, "server.log");

  return {
    host,
    port: plainPort,
    securePort,
    get pid() {
      return child?.pid ?? 0;
    },
    async start() {
      if (isRunning()) throw new Error(`the server ${host} is running already`);
      const output = openSync(log, "a");
      const main = "org.apache.zookeeper.server.quorum.QuorumPeerMain";
      const [program = "", ...args] = [...enter, ...javaCommand(java), main, join(folder, "zoo.cfg")];
      child = spawn(program, args, { stdio: ["ignore", output, output] });
      gone = once(child, "exit");
      const isUp = async () => {
        if (!isRunning()) throw new Error(`ZooKeeper on ${host} has ended:\n${lastLines(log)}`);
        if ((await fourLetters(host, "ruok", 300).catch(() => "")) !== "imok") return false;
        // The port for TLS is opened after the plain one.
        return !isSecure || (await listens(host, securePort));
      };
      await eventually(`the server ${host} answers`, isUp, startLimitMs);
    },
    async kill() {
      if (isRunning()) child?.kill("SIGKILL");
      await gone;
    },
    freeze: () => signal("SIGSTOP"),
    thaw: () => signal("SIGCONT"),
    ask,
    async mode() {
      const answer = await ask("srvr").catch(() => "");
      return /^Mode: (standalone|leader|follower)$/m.exec(answer)?.[1] as ServerMode | undefined;
    },
  };
}

async function fourLetters(host: string, word: string, limitMs = 1_000): Promise<string> {
  const socket = connect({ host, port: plainPort, timeout: limitMs });
  socket.on("timeout", () => socket.destroy(new Error(`${host} does not answer "${word}"`)));
  socket.end(word);
  return (await text(socket)).trim();
}

async function listens(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  const is = await once(socket, "connect").then(
    () => true,
    () => false,
  );
  socket.destroy();
  return is;
}

function lastLines(file: string): string {
  return readFileSync(file, "utf8").trimEnd().split("\n").slice(-10).join("\n");
}
