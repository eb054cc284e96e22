// Manifest → DeploymentSpec: canonical and sparse. Whatever means the same comes out the same: a field equal to its default
// and an empty map or list are left out, quantities have one spelling, ports one order. Pure.
import { isIPv6 } from "node:net";
import {
  type CountOrPercent,
  type DeploymentSpec,
  deploymentDefaults,
  type PlacementRules,
  type Strategy,
} from "../model/deployment.ts";
import { formatCpu, formatMemory, parseCpu, parseMemory } from "../model/quantity.ts";
import { type PodTemplate, type Port, type Probe, templateDefaults } from "../model/template.ts";
import type { Liveness, Manifest, Port as RawPort, Readiness, Resources, Spec } from "./manifest-type.generated.ts";

type HttpAction = NonNullable<Readiness["http"]>;

/** What a valid manifest says. Both forms of one Deployment give the same spec. */
export function canonicalSpec(manifest: Manifest): DeploymentSpec {
  if ("name" in manifest) return canonicalSpec(fullForm(manifest));
  const { metadata, spec } = manifest;
  return sparse({
    name: metadata.name,
    labels: metadata.labels,
    annotations: metadata.annotations,
    replicas: spec.replicas,
    template: canonicalTemplate(spec),
    strategy: canonicalStrategy(spec.strategy),
    placement: canonicalPlacement(spec.placement),
    protect: spec.protect === true ? true : undefined,
  }) as unknown as DeploymentSpec;
}

/** The part of a spec that makes a revision. */
function canonicalTemplate(spec: Spec): PodTemplate {
  return sparse({
    image: spec.image,
    imagePullPolicy: unless(spec.imagePullPolicy, templateDefaults.imagePullPolicy),
    command: spec.command,
    args: spec.args,
    workingDir: spec.workingDir,
    user: spec.user,
    env: spec.env,
    labels: spec.labels,
    ports: spec.ports?.map(canonicalPort).sort(comparePorts),
    resources: canonicalResources(spec.resources),
    readiness: canonicalProbe(spec.readiness, templateDefaults.readinessPeriodSeconds),
    liveness: canonicalProbe(spec.liveness, templateDefaults.livenessPeriodSeconds),
    restart: sparse({
      backoffSeconds: unless(spec.restart?.backoffSeconds, templateDefaults.backoffSeconds),
      backoffMaxSeconds: unless(spec.restart?.backoffMaxSeconds, templateDefaults.backoffMaxSeconds),
    }),
    stop: sparse({
      signal: unless(spec.stop?.signal, templateDefaults.stopSignal),
      graceSeconds: unless(spec.stop?.graceSeconds, templateDefaults.graceSeconds),
      // Kept even when it says what would be so anyway: `delete` waits only for a drain that was asked for.
      drainSeconds: spec.stop?.drainSeconds,
    }),
  }) as unknown as PodTemplate;
}

function fullForm({ name, image, replicas }: Extract<Manifest, { name: string }>): Exclude<Manifest, { name: string }> {
  const spec = { image, ...(replicas === undefined ? {} : { replicas }) };
  return { apiVersion: "orchestra/v1", kind: "Deployment", metadata: { name }, spec };
}

function canonicalPort(port: RawPort): Port {
  return sparse({
    name: port.name,
    containerPort: port.containerPort,
    protocol: unless(port.protocol, templateDefaults.protocol),
    hostPort: port.hostPort,
    hostIP: unless(port.hostIP === undefined ? undefined : canonicalIp(port.hostIP), templateDefaults.hostIP),
  }) as unknown as Port;
}

/** One spelling of an address: `::1` for `0:0:0:0:0:0:0:1`. */
export function canonicalIp(ip: string): string {
  return isIPv6(ip) && !ip.includes("%") ? new URL(`http://[${ip}]`).hostname.slice(1, -1) : ip;
}

/** The order of ports means nothing, so one order is chosen. */
function comparePorts(a: Port, b: Port): number {
  if (a.containerPort !== b.containerPort) return a.containerPort - b.containerPort;
  return (a.protocol ?? templateDefaults.protocol) < (b.protocol ?? templateDefaults.protocol) ? -1 : 1;
}

function canonicalResources(resources: Resources | undefined) {
  if (!resources) return undefined;
  const { cpu, memory, pids } = resources;
  return sparse({
    cpu: cpu === undefined ? undefined : formatCpu(parseCpu(String(cpu)) ?? 0),
    memory: memory === undefined ? undefined : formatMemory(parseMemory(String(memory)) ?? 0),
    pids,
  });
}

function canonicalProbe(raw: Readiness | Liveness | undefined, periodSeconds: number): Probe | undefined {
  if (!raw) return undefined;
  const probe: Readiness = raw;
  return {
    ...(probe.http ? { http: canonicalHttp(probe.http) } : {}),
    ...(probe.tcp ? { tcp: { port: probe.tcp.port } } : {}),
    ...(probe.exec ? { exec: { command: probe.exec.command } } : {}),
    ...sparse({
      initialDelaySeconds: unless(probe.initialDelaySeconds, templateDefaults.initialDelaySeconds),
      periodSeconds: unless(probe.periodSeconds, periodSeconds),
      timeoutSeconds: unless(probe.timeoutSeconds, templateDefaults.timeoutSeconds),
      successThreshold: unless(probe.successThreshold, templateDefaults.successThreshold),
      failureThreshold: unless(probe.failureThreshold, templateDefaults.failureThreshold),
    }),
  };
}

function canonicalHttp({ path, port, headers }: HttpAction): NonNullable<Probe["http"]> {
  return { port, ...sparse({ path: unless(path, templateDefaults.probePath), headers }) };
}

function canonicalStrategy(strategy: Spec["strategy"]): Strategy | undefined {
  if (!strategy) return undefined;
  return sparse({
    maxSurge: unless(canonicalCount(strategy.maxSurge), deploymentDefaults.maxSurge),
    maxUnavailable: unless(canonicalCount(strategy.maxUnavailable), deploymentDefaults.maxUnavailable),
    progressDeadlineSeconds: unless(strategy.progressDeadlineSeconds, deploymentDefaults.progressDeadlineSeconds),
  });
}

/** Nothing of any number is nothing: `0%` and `0` are one. */
export function canonicalCount(value: CountOrPercent | undefined): CountOrPercent | undefined {
  return value === "0%" ? 0 : value;
}

function canonicalPlacement(placement: Spec["placement"]): PlacementRules | undefined {
  if (!placement) return undefined;
  const { nodeSelector, spread, maxPerNode } = placement;
  return sparse({ nodeSelector, spread: unless(spread, deploymentDefaults.spread), maxPerNode });
}

function unless<T>(value: T | undefined, fallback: T): T | undefined {
  return value === fallback ? undefined : value;
}

/** Without what is absent, and without maps and lists that hold nothing. */
function sparse<T extends Readonly<Record<string, unknown>>>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  const said = Object.entries(fields).filter(([, value]) => !isNothing(value));
  return Object.fromEntries(said) as { [K in keyof T]?: NonNullable<T[K]> };
}

function isNothing(value: unknown): boolean {
  if (value === undefined) return true;
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}
