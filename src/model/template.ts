// The pod template: everything that reaches a container, and so everything that makes a revision.
// It is stored sparse (a field equal to its default is left out), so that a release with a new field rolls nobody's pods;
// whoever acts on it calls `resolveTemplate` first.
import { parseCpu, parseMemory } from "./quantity.ts";

export type PullPolicy = "Always" | "IfNotPresent" | "Never";
export type Protocol = "TCP" | "UDP";

export interface Port {
  readonly name?: string;
  readonly containerPort: number;
  readonly protocol?: Protocol;
  readonly hostPort?: number;
  readonly hostIP?: string;
}

/** Exactly one of `http`, `tcp`, `exec`. `port` is a port's name or a number. */
export interface Probe {
  readonly http?: {
    readonly path?: string;
    readonly port: string | number;
    readonly headers?: Readonly<Record<string, string>>;
  };
  readonly tcp?: { readonly port: string | number };
  readonly exec?: { readonly command: readonly string[] };
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly successThreshold?: number;
  readonly failureThreshold?: number;
}

/** As stored under `revisions/<name>/<revision>`: canonical and sparse. Quantities are in their canonical spelling. */
export interface PodTemplate {
  readonly image: string;
  readonly imagePullPolicy?: PullPolicy;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly workingDir?: string;
  readonly user?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  readonly ports?: readonly Port[];
  readonly resources?: { readonly cpu?: string; readonly memory?: string; readonly pids?: number };
  readonly readiness?: Probe;
  readonly liveness?: Probe;
  readonly restart?: { readonly backoffSeconds?: number; readonly backoffMaxSeconds?: number };
  readonly stop?: { readonly signal?: string; readonly graceSeconds?: number; readonly drainSeconds?: number };
}

export interface ResolvedPort {
  readonly name: string | undefined;
  readonly containerPort: number;
  readonly protocol: Protocol;
  readonly hostPort: number | undefined;
  /** `0.0.0.0` when the manifest names none: all addresses of the host. */
  readonly hostIP: string;
}

export interface ResolvedProbe {
  readonly action:
    | {
        readonly do: "http";
        readonly path: string;
        readonly port: number;
        readonly headers: Readonly<Record<string, string>>;
      }
    | { readonly do: "tcp"; readonly port: number }
    | { readonly do: "exec"; readonly command: readonly string[] };
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** What the pod reserves on a node. 0 means: reserves nothing and is not limited. */
export interface Resources {
  readonly cpuMilli: number;
  readonly memoryBytes: number;
  readonly pids: number;
}

/** A template with every default filled in and every unit made plain. */
export interface ResolvedTemplate {
  readonly image: string;
  readonly imagePullPolicy: PullPolicy;
  readonly command: readonly string[] | undefined;
  readonly args: readonly string[] | undefined;
  readonly workingDir: string | undefined;
  readonly user: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  readonly ports: readonly ResolvedPort[];
  readonly resources: Resources;
  readonly readiness: ResolvedProbe | undefined;
  readonly liveness: ResolvedProbe | undefined;
  readonly restart: { readonly backoffMs: number; readonly backoffMaxMs: number };
  readonly stop: {
    readonly signal: string;
    readonly graceMs: number;
    /** How long the pod stays up after it has left DNS. */
    readonly drainMs: number;
    /** Whether the manifest set it: `delete` waits only then. */
    readonly drainIsExplicit: boolean;
  };
}

/** TTL of the zone (2 s) plus CoreDNS's reload interval (250 ms), rounded up: after this nobody should still hold the address. */
export const defaultDrainSeconds = 3;

/**
 * The defaults of the format (DESIGN section 3). They change only with `apiVersion`:
 * a field equal to its default is left out of the hash, so a changed default would change running pods unseen.
 */
export const templateDefaults = Object.freeze({
  imagePullPolicy: "IfNotPresent",
  protocol: "TCP",
  hostIP: "0.0.0.0",
  probePath: "/",
  initialDelaySeconds: 0,
  /** Readiness is asked often, because a rollout waits for it; liveness seldom, because it rarely changes. */
  readinessPeriodSeconds: 1,
  livenessPeriodSeconds: 10,
  timeoutSeconds: 1,
  successThreshold: 1,
  failureThreshold: 3,
  backoffSeconds: 1,
  backoffMaxSeconds: 60,
  stopSignal: "SIGTERM",
  graceSeconds: 10,
} as const);

/** Fills in the defaults. Throws a RangeError only for a template that validation would have refused. */
export function resolveTemplate(template: PodTemplate): ResolvedTemplate {
  const ports = (template.ports ?? []).map(
    (port): ResolvedPort => ({
      name: port.name,
      containerPort: port.containerPort,
      protocol: port.protocol ?? templateDefaults.protocol,
      hostPort: port.hostPort,
      hostIP: port.hostIP ?? templateDefaults.hostIP,
    }),
  );
  const drainSeconds = template.stop?.drainSeconds ?? (ports.length > 0 ? defaultDrainSeconds : 0);
  return {
    image: template.image,
    imagePullPolicy: template.imagePullPolicy ?? templateDefaults.imagePullPolicy,
    command: template.command,
    args: template.args,
    workingDir: template.workingDir,
    user: template.user,
    env: template.env ?? {},
    labels: template.labels ?? {},
    ports,
    resources: resolveResources(template),
    readiness: resolveProbe(template.readiness, ports, templateDefaults.readinessPeriodSeconds),
    liveness: resolveProbe(template.liveness, ports, templateDefaults.livenessPeriodSeconds),
    restart: resolveRestart(template),
    stop: {
      signal: template.stop?.signal ?? templateDefaults.stopSignal,
      graceMs: (template.stop?.graceSeconds ?? templateDefaults.graceSeconds) * 1000,
      drainMs: drainSeconds * 1000,
      drainIsExplicit: template.stop?.drainSeconds !== undefined,
    },
  };
}

/** How long a pod of this template waits between two crashes. */
export function resolveRestart({ restart }: PodTemplate): ResolvedTemplate["restart"] {
  return {
    backoffMs: (restart?.backoffSeconds ?? templateDefaults.backoffSeconds) * 1000,
    backoffMaxMs: (restart?.backoffMaxSeconds ?? templateDefaults.backoffMaxSeconds) * 1000,
  };
}

/** What a pod of this template reserves. */
export function resolveResources(template: PodTemplate): Resources {
  const { cpu, memory, pids } = template.resources ?? {};
  return {
    cpuMilli: cpu === undefined ? 0 : quantity(parseCpu(cpu), cpu),
    memoryBytes: memory === undefined ? 0 : quantity(parseMemory(memory), memory),
    pids: pids ?? 0,
  };
}

function resolveProbe(
  probe: Probe | undefined,
  ports: readonly ResolvedPort[],
  defaultPeriodSeconds: number,
): ResolvedProbe | undefined {
  if (!probe) return undefined;
  return {
    action: resolveAction(probe, ports),
    initialDelayMs: (probe.initialDelaySeconds ?? templateDefaults.initialDelaySeconds) * 1000,
    periodMs: (probe.periodSeconds ?? defaultPeriodSeconds) * 1000,
    timeoutMs: (probe.timeoutSeconds ?? templateDefaults.timeoutSeconds) * 1000,
    successThreshold: probe.successThreshold ?? templateDefaults.successThreshold,
    failureThreshold: probe.failureThreshold ?? templateDefaults.failureThreshold,
  };
}

function resolveAction(probe: Probe, ports: readonly ResolvedPort[]): ResolvedProbe["action"] {
  if (probe.http) {
    const { path, port, headers } = probe.http;
    return {
      do: "http",
      path: path ?? templateDefaults.probePath,
      port: resolvePort(port, ports),
      headers: headers ?? {},
    };
  }
  if (probe.tcp) return { do: "tcp", port: resolvePort(probe.tcp.port, ports) };
  if (probe.exec) return { do: "exec", command: probe.exec.command };
  throw new RangeError("a probe needs http, tcp or exec");
}

function resolvePort(port: string | number, ports: readonly ResolvedPort[]): number {
  if (typeof port === "number") return port;
  const found = ports.find((candidate) => candidate.name === port);
  if (!found) throw new RangeError(`no port is called "${port}"`);
  return found.containerPort;
}

function quantity(value: number | undefined, text: string): number {
  if (value === undefined) throw new RangeError(`"${text}" is not a quantity`);
  return value;
}
