// A Docker engine of the benchmark's own, so that it may become a swarm and no container of the user's is in its way.
// Without iptables: a second engine would rewrite the first one's rules. Everything it makes is gone at `close`.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { benchFolder, ending } from "./bench-ending.ts";

export interface BenchEngine {
  readonly folder: string;
  readonly socket: string;
  /** A bridge network for containers that the baseline starts. */
  readonly network: string;
  close(): Promise<void>;
}

const images = ["orchestra-demo:1", "orchestra-demo:2"];

/** Starts the engine with the demo images of the machine's own. Needs root. */
export async function startBenchEngine(): Promise<BenchEngine> {
  const { folder, remove } = await benchFolder();
  const socket = join(folder, "docker.sock");
  const bridge = `ob${process.pid}`;
  const third = process.pid % 250;
  ip("link", "add", bridge, "type", "bridge");
  ip("addr", "add", `10.202.${third}.1/24`, "dev", bridge);
  ip("link", "set", bridge, "up");
  const log = openSync(join(folder, "dockerd.log"), "a", 0o600);
  const flags = ["--data-root", "data", "--exec-root", "exec", "--pidfile", "pid"].map((word) =>
    word.startsWith("--") ? word : join(folder, word),
  );
  const engine = spawn("dockerd", [...flags, "-H", `unix://${socket}`, "-b", bridge, "--iptables=false"], {
    detached: true,
    stdio: ["ignore", log, log],
  });
  // A signal may come before the engine answers, and then there is nothing in it.
  const listed = (...words: string[]) => (tryIt(() => docker(socket, ...words)) ?? "").split("\n").filter(Boolean);
  const close = ending(async () => {
    const left = listed("ps", "-aq");
    if (left.length > 0) docker(socket, "rm", "-f", ...left);
    tryIt(() => docker(socket, "swarm", "leave", "--force"));
    for (const network of listed("network", "ls", "-q", "--filter", "type=custom")) {
      tryIt(() => docker(socket, "network", "rm", network));
    }
    engine.kill("SIGTERM");
    if (engine.exitCode === null) await once(engine, "exit");
    ip("link", "del", bridge);
    // Left behind by a swarm of this engine; no other engine of this machine is one, or the address would have been taken.
    tryIt(() => ip("link", "del", "docker_gwbridge"));
    await remove();
  });
  await answering(socket);
  const archive = join(folder, "images.tar");
  execFileSync("docker", ["save", "-o", archive, ...images]);
  docker(socket, "load", "-i", archive);
  docker(socket, "network", "create", "--opt", "com.docker.network.driver.mtu=1450", "bench");

  return {
    folder,
    socket,
    network: "bench",
    close,
  };
}

async function answering(socket: string): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    if (tryIt(() => docker(socket, "version")) !== undefined) return;
    await sleep(100);
  }
  throw new Error("the benchmark's own engine does not answer within 30 s");
}

function docker(socket: string, ...args: readonly string[]): string {
  return execFileSync("docker", ["-H", `unix://${socket}`, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
}

function ip(...args: readonly string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}

function tryIt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch {
    return undefined;
  }
}
