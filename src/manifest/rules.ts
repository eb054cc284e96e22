// What a schema cannot say about one Deployment: ports that meet, probes that lead nowhere, amounts, rollouts that could never move. Pure.
import { isIP } from "node:net";
import { deploymentDefaults } from "../model/deployment.ts";
import { templateDefaults } from "../model/template.ts";
import { canonicalCount, canonicalIp } from "./canonical.ts";
import {
  type Complaint,
  complainAboutCpu,
  complainAboutImage,
  complainAboutMemory,
  complainAboutWorkingDir,
  shown,
} from "./grammar.ts";
import { canonicalJson } from "./hash.ts";
import type { Port, Readiness, Resources, Spec, Strategy } from "./manifest-type.generated.ts";
import type { Finding, Path } from "./problem.ts";

/** A document may have 900 KiB, and the engine passes all of this to a new process: Linux takes 2 MiB in all at best. */
const templateBytesLimit = 256 * 1024;

/** The parts of a spec whose shape is right; a field or port with another error is left out. */
export type SoundSpec = Omit<Partial<Spec>, "ports"> & { readonly ports?: readonly (Port | undefined)[] };

/** Findings with paths relative to the spec. */
export function checkRules(spec: SoundSpec): Finding[] {
  const { image, workingDir, ports = [], resources = {}, strategy, restart, readiness, liveness } = spec;
  return [
    ...complaint(["image"], image === undefined ? undefined : complainAboutImage(image)),
    ...complaint(["workingDir"], workingDir === undefined ? undefined : complainAboutWorkingDir(workingDir)),
    ...checkPrograms(spec),
    ...checkPorts(ports),
    ...checkResources(resources),
    ...checkProbe("readiness", readiness, spec),
    ...checkProbe("liveness", liveness, spec),
    ...checkRestart(restart ?? {}),
    ...(strategy ? checkStrategy(strategy) : []),
    ...checkSize(spec),
  ];
}

function complaint(path: Path, found: Complaint): Finding[] {
  return found ? [{ path, at: "value", ...found }] : [];
}

function checkPrograms({ command, readiness, liveness }: SoundSpec): Finding[] {
  const programs: [Path, readonly string[] | undefined][] = [
    [["command"], command],
    [["readiness", "exec", "command"], readiness?.exec?.command],
    [["liveness", "exec", "command"], liveness?.exec?.command],
  ];
  return programs
    .filter(([, words]) => words?.[0] === "")
    .map(([path]) => ({ path: [...path, 0], at: "value", message: "is empty, and should name a program" }));
}

function checkPorts(ports: readonly (Port | undefined)[]): Finding[] {
  return ports.flatMap((port, index) => (port ? checkPort(port, index, ports.slice(0, index)) : []));
}

function checkPort(port: Port, index: number, earlier: readonly (Port | undefined)[]): Finding[] {
  const { name, containerPort, hostPort, hostIP } = port;
  const number = `${containerPort}/${protocol(port)}`;
  const find = (meets: (other: Port) => boolean) => earlier.findIndex((other) => other !== undefined && meets(other));
  const sameName = find((other) => name !== undefined && other.name === name);
  const sameNumber = find((other) => `${other.containerPort}/${protocol(other)}` === number);
  const sameHostPort = find((other) => meetOnHost(other, port));
  const complaints: [isWrong: boolean, field: string, message: string, hint: string][] = [
    [sameName >= 0, "name", `ports[${sameName}] is called "${name}" too`, "give each port its own name"],
    [sameNumber >= 0, "containerPort", `ports[${sameNumber}] is ${number} too`, "keep one of them"],
    [sameHostPort >= 0, "hostPort", `ports[${sameHostPort}] takes ${hostPort} of the host too`, "choose another"],
    [!isAddress(hostIP), "hostIP", `${shown(hostIP ?? "")} is no IP address`, "write it as 127.0.0.1"],
    [hostIP !== undefined && hostPort === undefined, "hostIP", "does nothing without hostPort", "add hostPort"],
  ];
  return complaints
    .filter(([isWrong]) => isWrong)
    .map(([, field, message, hint]) => ({ path: ["ports", index, field], at: "value", message, hint }));
}

/** Not one of a single link (`fe80::1%eth0`) either: another node has other links. */
function isAddress(text: string | undefined): boolean {
  return text === undefined || (isIP(text) !== 0 && !text.includes("%"));
}

const protocol = (port: Pick<Port, "protocol">) => port.protocol ?? templateDefaults.protocol;

/** Where a host port is open; the default is every address of the host. */
export function hostAddress({ hostIP }: Pick<Port, "hostIP">): string {
  return canonicalIp(hostIP ?? templateDefaults.hostIP);
}

/** Whether two ports can never be open on one host together. */
function meetOnHost(a: Omit<Port, "containerPort">, b: Omit<Port, "containerPort">): boolean {
  if (a.hostPort === undefined || a.hostPort !== b.hostPort || protocol(a) !== protocol(b)) return false;
  const [first, second] = [hostAddress(a), hostAddress(b)];
  return first === second || first === templateDefaults.hostIP || second === templateDefaults.hostIP;
}

function checkResources({ cpu, memory }: Resources): Finding[] {
  return [
    ...complaint(["resources", "cpu"], cpu === undefined ? undefined : complainAboutCpu(String(cpu))),
    ...complaint(["resources", "memory"], memory === undefined ? undefined : complainAboutMemory(String(memory))),
  ];
}

/** A named port must exist, and speak TCP as http and tcp probes do. */
function checkProbe(
  name: "readiness" | "liveness",
  probe: Readiness | undefined,
  { ports = [] }: SoundSpec,
): Finding[] {
  return (["http", "tcp"] as const).flatMap((action): Finding[] => {
    const port = probe?.[action]?.port;
    if (typeof port !== "string") return [];
    const path = [name, action, "port"];
    const found = ports.find((candidate) => candidate?.name === port);
    if (found && protocol(found) === "TCP") return [];
    if (found)
      return [
        { path, at: "value", message: `the port "${port}" is a UDP port`, hint: "probe a TCP port, or use exec" },
      ];
    const names = ports.flatMap((candidate) => candidate?.name ?? []);
    const hint =
      names.length > 0
        ? `the ports with a name are ${names.join(", ")}`
        : "give one of spec.ports this name, or write a number";
    return [{ path, at: "value", message: `no port is called ${shown(port)}`, hint }];
  });
}

function checkRestart({ backoffSeconds, backoffMaxSeconds }: NonNullable<Spec["restart"]>): Finding[] {
  const first = backoffSeconds ?? templateDefaults.backoffSeconds;
  const most = backoffMaxSeconds ?? templateDefaults.backoffMaxSeconds;
  if (first <= most) return [];
  const field = backoffSeconds === undefined ? "backoffMaxSeconds" : "backoffSeconds";
  const message = `the first pause (${first} s) is longer than the longest (${most} s)`;
  return [{ path: ["restart", field], at: "value", message, hint: "raise backoffMaxSeconds" }];
}

function checkStrategy({ maxSurge, maxUnavailable }: Strategy): Finding[] {
  const surge = canonicalCount(maxSurge) ?? deploymentDefaults.maxSurge;
  const unavailable = canonicalCount(maxUnavailable) ?? deploymentDefaults.maxUnavailable;
  if (surge !== 0 || unavailable !== 0) return [];
  const message = "maxSurge and maxUnavailable are both 0, so no pod could ever be replaced";
  return [{ path: ["strategy", "maxSurge"], at: "value", message, hint: "set maxUnavailable: 1" }];
}

function checkSize(spec: SoundSpec): Finding[] {
  const bytes = Buffer.byteLength(canonicalJson(spec));
  if (bytes <= templateBytesLimit) return [];
  const message = `says ${bytes} bytes in all, and may say ${templateBytesLimit}`;
  return [{ path: [], at: "value", message, hint: "put large texts into the image" }];
}
