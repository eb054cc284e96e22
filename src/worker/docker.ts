// The runtime contract on a Docker engine, API 1.41 to 1.44. Holds no rules: what to do is decided elsewhere.
import type Docker from "dockerode";
import type { Log } from "../log.ts";
import { isOrchestraError } from "../model/errors.ts";
import type { ResolvedTemplate } from "../model/template.ts";
import {
  containerName,
  createOptions,
  inspectedState,
  isOurs,
  listedState,
  type Owner,
  ownerFilter,
} from "./docker-container.ts";
import { type Engine, openEngine } from "./docker-engine.ts";
import { createError, engineError, failure, startError, statusOf } from "./docker-errors.ts";
import { watchEvents } from "./docker-events.ts";
import { createNetwork, listNetworks, removeNetwork } from "./docker-network.ts";
import { openPuller, type Progress, type Puller } from "./docker-pull.ts";
import { lacksAddress } from "./docker-reality.ts";
import { changedSettings, type Limits, settingsOf } from "./docker-settings.ts";
import { execIn, readLogs } from "./docker-talk.ts";
import type {
  ChangedSetting,
  ContainerSpec,
  ContainerState,
  EngineInfo,
  EngineNetworks,
  ExecOptions,
  LogLine,
  LogOptions,
  NodeNetwork,
  Runtime,
  RuntimeEvent,
} from "./runtime.ts";

export interface DockerOptions {
  /** Spelt as DOCKER_HOST; absent: the usual socket. */
  readonly host?: string;
  /** Where `docker login` keeps its file, usually `~/.docker`. */
  readonly configFolder: string;
  readonly owner: Owner;
  readonly log: Log;
  /** A call that is not answered for so long is given up; absent: a minute. */
  readonly callLimitMs?: number;
}

/** The client's own types do not know that it takes a signal. */
interface Askable {
  info(options: { readonly abortSignal: AbortSignal }): Promise<unknown>;
}

/** The containers of one node of one cluster on a Docker engine. Connects with the first call. */
export function openDocker(options: DockerOptions): Runtime {
  return new DockerRuntime(options);
}

class DockerRuntime implements Runtime {
  readonly #engine: Engine;
  readonly #puller: Puller;
  readonly #owner: Owner;
  readonly #log: Log;
  /** Once asked for: what a kernel can limit stays so while the engine runs. */
  #facts: EngineFacts | undefined;

  constructor({ host, configFolder, owner, log, callLimitMs }: DockerOptions) {
    this.#engine = openEngine(host, callLimitMs);
    this.#puller = openPuller(this.#engine, configFolder);
    this.#owner = owner;
    this.#log = log;
  }

  async info(signal: AbortSignal): Promise<EngineInfo> {
    const { apiVersion, version } = await this.#engine.clients();
    const info = await this.#askFacts(signal);
    return {
      capacity: { cpuMilli: info.NCPU * 1000, memoryBytes: info.MemTotal, pids: 0 },
      platform: { os: info.OSType, arch: archNames[info.Architecture] ?? info.Architecture },
      version,
      apiVersion,
      kernel: info.KernelVersion,
      limits: { cpu: info.CpuCfsQuota, memory: info.MemoryLimit, pids: info.PidsLimit },
      dataFolder: info.DockerRootDir,
    };
  }

  async #askFacts(signal: AbortSignal): Promise<EngineFacts> {
    const ask = (docker: unknown) => (docker as Askable).info({ abortSignal: signal });
    return (await this.#engine.call(ask)) as EngineFacts;
  }

  async list(signal: AbortSignal): Promise<ContainerState[]> {
    const options = { all: true, filters: { label: ownerFilter(this.#owner) }, abortSignal: signal };
    const found = await this.#engine.call((docker) => docker.listContainers(options));
    return found.map(listedState).filter((container) => container.pod !== "");
  }

  networks(name: string, signal: AbortSignal): Promise<EngineNetworks> {
    return listNetworks(this.#engine, this.#owner.cluster, name, signal);
  }

  createNetwork(network: NodeNetwork, signal: AbortSignal): Promise<boolean> {
    return createNetwork(this.#engine, this.#owner, network, signal);
  }

  removeNetwork(name: string, { force }: { readonly force: boolean }, signal: AbortSignal): Promise<boolean> {
    return removeNetwork(this.#engine, this.#owner.cluster, { name, force }, signal);
  }

  pull(template: ResolvedTemplate, onProgress: Progress, signal: AbortSignal): Promise<void> {
    return this.#puller.pull(template, onProgress, signal);
  }

  async create(spec: ContainerSpec, signal: AbortSignal): Promise<string> {
    try {
      const options = { ...createOptions(this.#owner, spec), abortSignal: signal };
      const container = await this.#engine.call(
        (docker) => docker.createContainer(options),
        (error) => error as Error,
      );
      return container.id;
    } catch (error) {
      if (statusOf(error) !== 409) throw createError(error, spec.template.image);
      return this.#engine.call((docker) => findByName(docker, this.#owner, spec));
    }
  }

  async start(container: string, signal: AbortSignal): Promise<void> {
    const options = { abortSignal: signal };
    await this.#engine.listening();
    await this.#engine.call(
      (docker) => docker.getContainer(container).start(options).catch(unless(asAsked)),
      startError,
    );
  }

  async kill(container: string, name: string, signal: AbortSignal): Promise<void> {
    const options = { signal: name, abortSignal: signal };
    await this.#engine.call((docker) =>
      docker
        .getContainer(container)
        .kill(options)
        .catch(unless(asAsked, gone, onItsWayOut)),
    );
  }

  async remove(container: string, signal: AbortSignal): Promise<void> {
    const options = { force: true, v: true, abortSignal: signal };
    await this.#engine.call((docker) =>
      docker.getContainer(container).remove(options).catch(unless(gone, onItsWayOut)),
    );
  }

  async inspect(container: string, signal: AbortSignal): Promise<ContainerState> {
    const options = { abortSignal: signal };
    const info = await this.#engine.call((docker) => docker.getContainer(container).inspect(options));
    const { ip, ...rest } = inspectedState(info);
    return ip === undefined || (await lacksAddress(info, ip)) ? rest : { ...rest, ip };
  }

  async changed(
    container: string,
    template: Pick<ResolvedTemplate, "resources">,
    signal: AbortSignal,
  ): Promise<ChangedSetting[]> {
    const options = { abortSignal: signal };
    this.#facts ??= await this.#askFacts(signal);
    const { HostConfig } = await this.#engine.call((docker) => docker.getContainer(container).inspect(options));
    return changedSettings(settingsOf(template), HostConfig, this.#facts);
  }

  watch(onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void> {
    return watchEvents(this.#engine, this.#owner, this.#log, onEvent, signal);
  }

  logs(container: string, options: LogOptions, signal: AbortSignal): AsyncIterable<LogLine> {
    return readLogs(this.#engine, container, options, signal);
  }

  exec(container: string, options: ExecOptions, signal: AbortSignal): Promise<number> {
    return execIn(this.#engine, container, options, signal);
  }
}

interface EngineFacts extends Limits {
  readonly NCPU: number;
  readonly MemTotal: number;
  readonly OSType: string;
  readonly Architecture: string;
  readonly KernelVersion: string;
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

/** Answers that are fine where only the end counts. */
const asAsked = 304;
const gone = 404;
const onItsWayOut = 409;

function unless(...fine: readonly number[]): (error: unknown) => void {
  return (error) => {
    if (!fine.includes(statusOf(error) ?? 0)) throw error;
  };
}
