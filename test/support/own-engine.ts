// A Docker engine of a test's own, for tests that kill it: in a network namespace, because two engines in one would share its firewall.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { openSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import Docker from "dockerode";
import { eventually } from "./eventually.ts";

const run = promisify(execFile);

export interface OwnEngine {
  /** As DOCKER_HOST. */
  readonly host: string;
  /** A command line that begins with these words runs where the engine's networks are. */
  readonly enter: readonly string[];
  start(): Promise<void>;
  /** Sends a signal to the engine and waits for its end. SIGKILL leaves the containers behind, as a crash does. */
  end(signal: "SIGKILL" | "SIGTERM"): Promise<void>;
  /** Ends it with everything that it has made. */
  close(): Promise<void>;
}

/** Needs root. The engine has `image`, taken from the usual engine. */
export async function ownEngine(image: string): Promise<OwnEngine> {
  const folder = await mkdtemp(join(tmpdir(), "orchestra-test-"));
  const name = `orchestra-${randomBytes(3).toString("hex")}`;
  const socket = join(folder, "docker.sock");
  const pidFile = join(folder, "docker.pid");
  let daemon: ChildProcess | undefined;
  let gone: Promise<unknown> = Promise.resolve();
  await run("ip", ["netns", "add", name]);
  await run("ip", ["-n", name, "link", "set", "lo", "up"]);
  const enter = ["nsenter", `--net=/var/run/netns/${name}`];

  const start = async () => {
    const output = openSync(join(folder, "dockerd.log"), "a");
    // `ip netns exec` would hide the cgroups: containers could not start.
    const folders = ["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec"), "--pidfile", pidFile];
    const [nsenter = "", ...args] = [
      ...enter,
      "dockerd",
      ...folders,
      "-H",
      `unix://${socket}`,
      "--bip",
      "10.201.0.1/24",
    ];
    daemon = spawn(nsenter, args, { stdio: ["ignore", output, output] });
    gone = once(daemon, "exit");
    const docker = new Docker({ socketPath: socket });
    await eventually("the engine answers", () => docker.ping().then(Boolean, () => false), 60_000);
  };
  const end = async (signal: "SIGKILL" | "SIGTERM") => {
    if (!daemon || daemon.exitCode !== null || daemon.signalCode !== null) return;
    daemon.kill(signal);
    await gone;
    // Its containerd dies with it; where nobody collects that process, the next engine would take its pid for a living one.
    if (signal === "SIGKILL") await rm(join(folder, "exec", "containerd", "containerd.pid"), { force: true });
  };
  const close = async () => {
    // Started once more after a kill, it ends its containers and its containerd in order.
    const isDead = daemon?.signalCode === "SIGKILL";
    if (isDead) await start().catch(() => {});
    await end("SIGTERM");
    await endRest(name);
    await run("ip", ["netns", "delete", name]);
    await unmountBelow(folder);
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  };

  await start();
  const archive = join(folder, "image.tar");
  await run("docker", ["-H", "unix:///var/run/docker.sock", "save", "-o", archive, image]);
  await run("docker", ["-H", `unix://${socket}`, "load", "-i", archive]);
  return { host: `unix://${socket}`, enter, start, end, close };
}

/** What an engine that could not end in order has left: its shims, and below each the process of a container. */
async function endRest(namespace: string): Promise<void> {
  const { stdout } = await run("ip", ["netns", "pids", namespace]);
  for (const pid of stdout.split("\n").map(Number).filter(Boolean)) {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => "");
    for (const each of [...children.split(" ").map(Number).filter(Boolean), pid]) {
      try {
        process.kill(each, "SIGKILL");
      } catch {
        // It has ended meanwhile.
      }
    }
  }
}

async function unmountBelow(folder: string): Promise<void> {
  const mounts = (await readFile("/proc/mounts", "utf8")).split("\n").map((line) => line.split(" ")[1] ?? "");
  for (const mount of mounts.filter((path) => path.startsWith(folder)).reverse()) await run("umount", ["-l", mount]);
}
