// The Docker engine of one machine of a lab: folders, socket and cgroups of its own; its images and containers outlive a power cut.
import { execFile } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync, rmdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import Docker from "dockerode";
import { eventually } from "../eventually.ts";
import type { Machine } from "./machine.ts";

const run = promisify(execFile);
const startLimitMs = 60_000;

export interface LabEngine {
  readonly docker: Docker;
  /** As DOCKER_HOST. */
  readonly host: string;
}

/** Starts it on what is in `folder` from before, if anything is. `cgroup`: below it its containers are. */
export async function startEngine(machine: Machine, folder: string, cgroup: string): Promise<LabEngine> {
  mkdirSync(folder, { recursive: true });
  const at = (name: string) => join(folder, name);
  // After a power cut: another process has that number now.
  for (const left of ["docker.pid", "docker.sock", "exec"]) rmSync(at(left), { recursive: true, force: true });
  // As on a machine that has just been installed: the engine switches forwarding on, and then drops what nobody asked for.
  await machine.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=0");
  const host = `unix://${at("docker.sock")}`;
  const log = openSync(at("dockerd.log"), "a");
  const places = ["--data-root", at("data"), "--exec-root", at("exec"), "--pidfile", at("docker.pid"), "-H", host];
  const options = ["--bip", "10.201.0.1/24", "--exec-opt", "native.cgroupdriver=cgroupfs", "--cgroup-parent", cgroup];
  // Its runc leaves a file behind where it is ended in the middle of a command.
  const env = { ...process.env, TMPDIR: at("tmp") };
  mkdirSync(env.TMPDIR, { recursive: true });
  const child = machine.start(["dockerd", ...places, ...options], { stdio: ["ignore", log, log], env });
  closeSync(log);
  const docker = new Docker({ socketPath: at("docker.sock") });
  await eventually(
    `the engine of ${machine.name} answers`,
    () => {
      if (child.exitCode !== null) throw new Error(`dockerd has ended:\n${lastLines(at("dockerd.log"))}`);
      return docker.ping().then(Boolean, () => false);
    },
    startLimitMs,
  );
  return { docker, host };
}

/** Images of this machine's own engine in a file, which several others can load. */
export async function saveImages(images: readonly string[], file: string): Promise<void> {
  await run("docker", ["-H", "unix:///var/run/docker.sock", "save", "-o", file, ...images]);
}

export async function loadImages({ host }: LabEngine, file: string): Promise<void> {
  await run("docker", ["-H", host, "load", "-i", file]);
}

/** What engines leave behind: a cgroup cannot be removed before the last of its processes has gone. Returns whether all are. */
export function removeCgroups(name: string): boolean {
  const root = "/sys/fs/cgroup";
  const controllers = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const places = [root, ...controllers.map((entry) => join(root, entry.name))];
  return places.map((place) => removeTree(join(place, name))).every(Boolean);
}

function removeTree(folder: string): boolean {
  try {
    const below = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    const gone = below.map((entry) => removeTree(join(folder, entry.name))).every(Boolean);
    if (gone) rmdirSync(folder);
    return gone;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT";
  }
}

function lastLines(file: string): string {
  return readFileSync(file, "utf8").trimEnd().split("\n").slice(-5).join("\n");
}
