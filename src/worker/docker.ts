// The runtime contract on a Docker engine, API 1.41 to 1.44. Holds no rules: what to do is decided elsewhere.
import type Docker from "dockerode";
import type { Log } from "../log.ts";
import { isOrchestraError } from "../model/errors.ts";
import {
  containerName,
  createOptions,
  inspectedState,
  isOurs,
  listedState,
  type Owner,
  ownerFilter,
} from "./docker-container.ts";
import { openEngine } from "./docker-engine.ts";
import { createError, engineError, failure, startError, statusOf } from "./docker-errors.ts";
import { watchEvents } from "./docker-events.ts";
import { createNetwork, listNetworks, removeNetwork } from "./docker-network.ts";
import { openPuller } from "./docker-pull.ts";
import { execIn, readLogs } from "./docker-talk.ts";
import type { ContainerSpec, EngineInfo, Runtime } from "./runtime.ts";

export interface DockerOptions {
  /** Spelt as DOCKER_HOST; absent: the usual socket. */
  readonly host?: string;
  /** Where `docker login` keeps its file, usually `~/.docker`. */
  readonly configFolder: string;
  readonly owner: Owner;
  readonly log: Log;
}

/** The client's own types do not know that it takes a signal. */
interface Askable {
  info(options: { readonly abortSignal: AbortSignal }): Promise<unknown>;
}

/** The containers of one node of one cluster on a Docker engine. Connects with the first call. */
export function openDocker({ host, configFolder, owner, log }: DockerOptions): Runtime {
  const engine = openEngine(host);
  const puller = openPuller(engine, configFolder);
  const filters = { label: ownerFilter(owner) };
  /** A container that is already as asked (304), gone (404), or on its way out (409) is fine where the end is what counts. */
  const unless = (fine: readonly number[]) => (error: unknown) => {
    if (!fine.includes(statusOf(error) ?? 0)) throw engineError(error);
  };

  return {
    async info(signal): Promise<EngineInfo> {
      const { apiVersion, version } = await engine.clients();
      const ask = (docker: unknown) => (docker as Askable).info({ abortSignal: signal });
      const info = (await engine.call(ask)) as EngineFacts;
      return {
        capacity: { cpuMilli: info.NCPU * 1000, memoryBytes: info.MemTotal, pids: 0 },
        platform: { os: info.OSType, arch: archNames[info.Architecture] ?? info.Architecture },
        version,
        apiVersion,
        kernel: info.KernelVersion,
        limits: { cpu: info.CpuCfsQuota, memory: info.MemoryLimit, pids: info.PidsLimit },
        dataFolder: info.DockerRootDir,
      };
    },
    async list(signal) {
      const found = await engine.call((docker) => docker.listContainers({ all: true, filters, abortSignal: signal }));
      return found.map(listedState).filter((container) => container.pod !== "");
    },
    networks: (name) => listNetworks(engine, owner.cluster, name),
    createNetwork: (network) => createNetwork(engine, owner, network),
    removeNetwork: (name, { force }) => removeNetwork(engine, owner.cluster, name, force),
    pull: puller.pull,
    create: async (spec, signal) => {
      try {
        const options = { ...createOptions(owner, spec), abortSignal: signal };
        const container = await engine.call(
          (docker) => docker.createContainer(options),
          (error) => error as Error,
        );
        return container.id;
      } catch (error) {
        if (statusOf(error) !== 409) throw createError(error, spec.template.image);
        return engine.call((docker) => findByName(docker, owner, spec));
      }
    },
    start: (container, signal) =>
      engine.call(
        (docker) =>
          docker
            .getContainer(container)
            .start({ abortSignal: signal })
            .then(() => {}, ignore304),
        startError,
      ),
    kill: (container, name, signal) =>
      engine.call((docker) =>
        docker
          .getContainer(container)
          .kill({ signal: name, abortSignal: signal })
          .then(() => {}, unless([304, 404, 409])),
      ),
    remove: (container, signal) =>
      engine.call((docker) =>
        docker
          .getContainer(container)
          .remove({ force: true, v: true, abortSignal: signal })
          .then(() => {}, unless([404, 409])),
      ),
    inspect: async (container, signal) =>
      inspectedState(await engine.call((docker) => docker.getContainer(container).inspect({ abortSignal: signal }))),
    watch: (onEvent, signal) => watchEvents(engine, owner, log, onEvent, signal),
    logs: (container, options, signal) => readLogs(engine, container, options, signal),
    exec: (container, options, signal) => execIn(engine, container, options, signal),
  };
}

interface EngineFacts {
  readonly NCPU: number;
  readonly MemTotal: number;
  readonly OSType: string;
  readonly Architecture: string;
  readonly KernelVersion: string;
  readonly CpuCfsQuota: boolean;
  readonly MemoryLimit: boolean;
  readonly PidsLimit: boolean;
  readonly DockerRootDir: string;
}

/** The engine tells the kernel's name of the machine; images are named by Go's. */
const archNames: Readonly<Record<string, string>> = { x86_64: "amd64", aarch64: "arm64", armv7l: "arm" };

/** The container of this pod from before a crash of ours; one of somebody else under its name is a reason, never removed. */
async function findByName(docker: Docker, owner: Owner, spec: ContainerSpec): Promise<string> {
  const name = containerName(spec);
  try {
    const found = await docker.getContainer(name).inspect();
    if (isOurs(owner, found.Config.Labels) && inspectedState(found).pod === spec.pod) return found.Id;
  } catch (error) {
    const translated = engineError(error);
    // Gone again between two calls: the next try creates it.
    if (!isOrchestraError(translated, "not-found")) throw translated;
  }
  throw failure("ENGINE_ERROR", `a container that is not ours has the name ${name}; rename or remove it`, false);
}

function ignore304(error: unknown): void {
  if (statusOf(error) !== 304) throw error;
}
