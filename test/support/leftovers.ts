// What a program has left behind that should have cleaned up after itself.
import { readdirSync, readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { join } from "node:path";

/** Processes with the folder in their command line or environment: `TMPDIR` makes it that of a program and all that it starts. */
export function processesOf(folder: string): number[] {
  const isOne = (pid: string) => {
    try {
      return ["cmdline", "environ"].some((file) => readFileSync(`/proc/${pid}/${file}`, "utf8").includes(folder));
    } catch {
      return false;
    }
  };
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name) && isOne(name))
    .map(Number);
}

/** Cables and cgroups of a lab, by the lab's name: `orchestra-lab-<id>`. */
export function labTraces(lab: string): string[] {
  const cable = `lab${lab.slice(lab.lastIndexOf("-") + 1)}`;
  const cables = Object.keys(networkInterfaces()).filter((name) => name === cable);
  const root = "/sys/fs/cgroup";
  const controllers = readdirSync(root, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  const places = [root, ...controllers.map(({ name }) => join(root, name))];
  return [...cables, ...places.filter((place) => readdirSync(place).includes(lab)).map((place) => join(place, lab))];
}
