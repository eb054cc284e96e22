// A container in Docker's words: what is asked for at its creation, and what is read back of it.
import type Docker from "dockerode";
import { podName } from "../model/pod.ts";
import { settingsOf } from "./docker-settings.ts";
import type { ContainerSpec, ContainerState } from "./runtime.ts";

/** Whose containers these are. Nothing without both labels is ever touched. */
export interface Owner {
  readonly cluster: string;
  readonly node: string;
}

export const labels = Object.freeze({
  cluster: "orchestra.cluster",
  node: "orchestra.node",
  deployment: "orchestra.deployment",
  slot: "orchestra.slot",
  pod: "orchestra.pod",
  revision: "orchestra.revision",
});

export function ownerLabels(owner: Owner): Record<string, string> {
  return { [labels.cluster]: owner.cluster, [labels.node]: owner.node };
}

/** For the `filters` of listings and events: Docker wants every one of these labels to be there. */
export function ownerFilter(owner: Owner): string[] {
  return Object.entries(ownerLabels(owner)).map(([name, value]) => `${name}=${value}`);
}

export function isOurs(owner: Owner, found: Readonly<Record<string, string>> | undefined): boolean {
  return found?.[labels.cluster] === owner.cluster && found[labels.node] === owner.node;
}

export function containerName(spec: Pick<ContainerSpec, "deployment" | "slot" | "pod">): string {
  return `orchestra-${podName(spec.deployment, spec.slot)}-${spec.pod}`;
}

/** The body of `POST /containers/create`. */
export function createOptions(owner: Owner, spec: ContainerSpec): Docker.ContainerCreateOptions {
  const { template } = spec;
  return {
    name: containerName(spec),
    Image: template.image,
    Hostname: podName(spec.deployment, spec.slot),
    ...(template.command === undefined ? {} : { Entrypoint: [...template.command] }),
    ...(template.args === undefined ? {} : { Cmd: [...template.args] }),
    ...(template.workingDir === undefined ? {} : { WorkingDir: template.workingDir }),
    ...(template.user === undefined ? {} : { User: template.user }),
    Env: Object.entries(template.env).map(([name, value]) => `${name}=${value}`),
    Labels: {
      ...template.labels,
      ...ownerLabels(owner),
      [labels.deployment]: spec.deployment,
      [labels.slot]: String(spec.slot),
      [labels.pod]: spec.pod,
      [labels.revision]: spec.revision,
    },
    StopSignal: template.stop.signal,
    // Docker's own shutdown should give a pod the grace that its manifest promises.
    StopTimeout: Math.ceil(template.stop.graceMs / 1000),
    ExposedPorts: Object.fromEntries(template.ports.map((port) => [portKey(port), {}])),
    HostConfig: hostConfig(spec),
  };
}

function hostConfig({ template, network, dns }: ContainerSpec): Docker.HostConfig {
  return {
    NetworkMode: network,
    Dns: [dns.server],
    DnsSearch: [dns.search],
    LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "3" } },
    SecurityOpt: ["no-new-privileges"],
    PortBindings: portBindings(template.ports),
    ...settingsOf(template),
  };
}

function portBindings(
  ports: ContainerSpec["template"]["ports"],
): Record<string, { HostIp: string; HostPort: string }[]> {
  const bindings: Record<string, { HostIp: string; HostPort: string }[]> = {};
  for (const port of ports) {
    if (port.hostPort === undefined) continue;
    bindings[portKey(port)] ??= [];
    bindings[portKey(port)]?.push({ HostIp: port.hostIP, HostPort: String(port.hostPort) });
  }
  return bindings;
}

function portKey(port: { readonly containerPort: number; readonly protocol: string }): string {
  return `${port.containerPort}/${port.protocol.toLowerCase()}`;
}

/** From a listing: everything but exit code and times. */
export function listedState(info: Docker.ContainerInfo): ContainerState {
  const state = plainState(info.State);
  const health = /\((healthy|unhealthy|health: starting)\)/.exec(info.Status)?.[1];
  const whose = identity(info.Labels);
  return {
    id: info.Id,
    ...whose,
    ...renamed(info.Names, containerName(whose)),
    state,
    ...address(state, info.HostConfig.NetworkMode, info.NetworkSettings?.Networks),
    ...(info.State === "paused" ? { paused: true } : {}),
    ...(health === undefined ? {} : { health: health === "health: starting" ? "starting" : (health as "healthy") }),
  };
}

/** From an inspection: everything. */
export function inspectedState(info: Docker.ContainerInspectInfo): ContainerState {
  const state = plainState(info.State.Status);
  const health = info.State.Health?.Status;
  return {
    id: info.Id,
    ...identity(info.Config.Labels),
    state,
    ...address(state, info.HostConfig.NetworkMode, info.NetworkSettings.Networks),
    ...(state === "exited" ? { exitCode: info.State.ExitCode, oomKilled: info.State.OOMKilled } : {}),
    ...(info.State.Status === "paused" ? { paused: true } : {}),
    ...(isTime(info.State.StartedAt) ? { startedAt: info.State.StartedAt } : {}),
    ...(health === "starting" || health === "healthy" || health === "unhealthy" ? { health } : {}),
  };
}

function identity(found: Readonly<Record<string, string>>) {
  return {
    pod: found[labels.pod] ?? "",
    deployment: found[labels.deployment] ?? "",
    slot: Number(found[labels.slot] ?? 0),
    revision: found[labels.revision] ?? "",
  };
}

/** Links of other containers are among the names, as `/other/alias`. */
function renamed(names: readonly string[], from: string): Pick<ContainerState, "renamed"> {
  const to = names.find((name) => name.lastIndexOf("/") <= 0)?.replace("/", "");
  return to === undefined || to === from ? {} : { renamed: { from, to } };
}

/** Docker knows seven states; `paused` and `restarting` still hold a process, `removing` and `dead` do not. */
function plainState(state: string): ContainerState["state"] {
  if (state === "created") return "created";
  return state === "running" || state === "paused" || state === "restarting" ? "running" : "exited";
}

/** In the network that it was made for: people may have connected it to others. */
function address(
  state: ContainerState["state"],
  network: string | undefined,
  networks: Readonly<Record<string, { readonly IPAddress: string }>> | undefined,
): { ip?: string } {
  const ip = networks?.[network ?? ""]?.IPAddress;
  return state === "running" && ip ? { ip } : {};
}

/** Docker writes the year 1 where it means never. */
function isTime(text: string): boolean {
  return text !== "" && !text.startsWith("0001-");
}
