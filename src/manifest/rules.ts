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

/** The parts of a spec whose shape is right; a part with another error is left out. */
export type SoundSpec = Partial<Spec>;

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

function checkPorts(ports: readonly Port[]): Finding[] {
  return ports.flatMap((port, index) => {
    const earlier = ports.slice(0, index);
    const findings: Finding[] = [];
    const add = (field: string, message: string, hint?: string) =>
      findings.push({ path: ["ports", index, field], at: "value", message, hint });
    const sameName = earlier.findIndex((other) => port.name !== undefined && other.name === port.name);
    if (sameName >= 0) add("name", `ports[${sameName}] is called "${port.name}" too`, "give each port its own name");
    const same = earlier.findIndex(
      (other) => other.containerPort === port.containerPort && protocol(other) === protocol(port),
    );
    if (same >= 0)
      add("containerPort", `ports[${same}] is ${port.containerPort}/${protocol(port)} too`, "keep one of them");
    const taken = earlier.findIndex((other) => meetOnHost(other, port));
    if (taken >= 0)
      add(
        "hostPort",
        `ports[${taken}] takes ${port.hostPort}/${protocol(port)} of the host too`,
        "choose another host port",
      );
    if (port.hostIP !== undefined && isIP(port.hostIP) === 0)
      add("hostIP", `${shown(port.hostIP)} is no IP address`, "write it as 127.0.0.1");
    if (port.hostIP !== undefined && port.hostPort === undefined)
      add("hostIP", "does nothing without hostPort", "add hostPort or delete the line");
    return findings;
  });
}

const protocol = (port: Pick<Port, "protocol">) => port.protocol ?? templateDefaults.protocol;

/** Whether two ports can never be open on one host together. */
export function meetOnHost(a: Omit<Port, "containerPort">, b: Omit<Port, "containerPort">): boolean {
  if (a.hostPort === undefined || a.hostPort !== b.hostPort || protocol(a) !== protocol(b)) return false;
  const [first, second] = [a, b].map((port) => canonicalIp(port.hostIP ?? templateDefaults.hostIP));
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
    const found = ports.find((candidate) => candidate.name === port);
    if (found && protocol(found) === "TCP") return [];
    if (found)
      return [
        { path, at: "value", message: `the port "${port}" is a UDP port`, hint: "probe a TCP port, or use exec" },
      ];
    const names = ports.flatMap((candidate) => candidate.name ?? []);
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
