// A small real runtime without an engine: containers are entries of a map, processes are the functions that images are made of.
// For tests and the simulator; the contract suite that holds Docker holds it too.
import type { Clock } from "../clock.ts";
import { OrchestraError } from "../model/errors.ts";
import type { ReasonCode } from "../model/pod.ts";
import type { ResolvedTemplate } from "../model/template.ts";
import type {
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
import { RuntimeFailure } from "./runtime.ts";

/** What a process does: what it writes, when it ends by itself, and whether it listens to SIGTERM. */
export interface Process {
  readonly lines: readonly string[];
  /** Absent: runs on. */
  readonly endsWith?: number;
  readonly ignoresTerm?: boolean;
}

/** A program: undefined when the image has no such command. */
export type Program = (template: Pick<ResolvedTemplate, "command" | "args" | "env">) => Process | undefined;

export interface MemoryRuntime extends Runtime {
  /** Ends the process of a pod, as a crash would. */
  end(pod: string, exitCode: number): void;
  /** The engine goes away, and with it every process; or comes back. */
  power(on: boolean): void;
}

interface Container {
  readonly spec: ContainerSpec;
  state: ContainerState;
  process?: Process;
  lines: LogLine[];
  /** Its network was removed under it: it has no address any more. */
  isCutOff?: true;
}

const killed = 137;

/** `images`: what can be run; an image that is not among them is in no registry either. `capacity`: absent, a small machine. */
export function openMemory(
  images: ReadonlyMap<string, Program>,
  clock: Clock,
  capacity: EngineInfo["capacity"] = { cpuMilli: 4_000, memoryBytes: 8 * 1024 ** 3, pids: 0 },
): MemoryRuntime {
  return new RuntimeInMemory(images, clock, capacity);
}

class RuntimeInMemory implements MemoryRuntime {
  readonly #images: ReadonlyMap<string, Program>;
  readonly #clock: Clock;
  readonly #capacity: EngineInfo["capacity"];
  readonly #containers = new Map<string, Container>();
  readonly #networks = new Map<string, NodeNetwork>();
  readonly #watchers = new Set<(event: RuntimeEvent) => void>();
  #isOn = true;
  #created = 0;

  constructor(images: ReadonlyMap<string, Program>, clock: Clock, capacity: EngineInfo["capacity"]) {
    this.#images = images;
    this.#clock = clock;
    this.#capacity = capacity;
  }

  async info(): Promise<EngineInfo> {
    this.#answer();
    return {
      capacity: this.#capacity,
      limits: { cpu: true, memory: true, pids: true },
      platform: { os: "linux", arch: "amd64" },
      version: "0",
      apiVersion: "0",
      kernel: "0",
      dataFolder: "/",
    };
  }

  async list(): Promise<ContainerState[]> {
    this.#answer();
    return [...this.#containers.values()].map(({ state: { exitCode: _c, startedAt: _s, ...rest } }) => rest);
  }

  async networks(name: string): Promise<EngineNetworks> {
    this.#answer();
    const ours = this.#networks.get(name);
    const taken = [...this.#networks.values()].map(({ range }) => ({
      range,
      isBridge: true,
      name: `the network ${range}`,
    }));
    return { ...(ours ? { ours } : {}), taken };
  }

  async createNetwork(network: NodeNetwork): Promise<boolean> {
    this.#answer();
    const isTaken = [...this.#networks.values()].some(
      ({ name, range }) => name === network.name || range === network.range,
    );
    if (!isTaken) this.#networks.set(network.name, network);
    return !isTaken;
  }

  async removeNetwork(name: string, { force }: { readonly force: boolean }): Promise<boolean> {
    this.#answer();
    const attached = [...this.#containers.values()].filter(({ spec, isCutOff }) => spec.network === name && !isCutOff);
    if (attached.length > 0 && !force) return false;
    for (const container of attached) {
      const { ip: _gone, ...rest } = container.state;
      container.state = rest;
      container.isCutOff = true;
    }
    const wasThere = this.#networks.delete(name);
    if (wasThere) this.#tell({ kind: "network-gone" });
    return wasThere;
  }

  async pull({ image, imagePullPolicy }: ResolvedTemplate): Promise<void> {
    this.#answer();
    if (this.#images.has(image)) return;
    const code = imagePullPolicy === "Never" ? "IMAGE_NOT_PRESENT" : "IMAGE_NOT_FOUND";
    throw refusal(code, `image ${image} does not exist`);
  }

  async create(spec: ContainerSpec): Promise<string> {
    this.#answer();
    const there = [...this.#containers.values()].find((container) => container.spec.pod === spec.pod);
    if (there) return there.state.id;
    const { image } = spec.template;
    if (!this.#images.has(image)) throw refusal("IMAGE_NOT_PRESENT", `image ${image} is not on this node`);
    this.#created += 1;
    const id = this.#created.toString(16).padStart(64, "0");
    const { pod, deployment, slot, revision } = spec;
    this.#containers.set(id, { spec, lines: [], state: { id, pod, deployment, slot, revision, state: "created" } });
    return id;
  }

  async start(id: string): Promise<void> {
    const container = this.#find(id);
    if (container.state.state === "running") return;
    const { template } = container.spec;
    const process = this.#images.get(template.image)?.(template);
    if (!process) throw new RuntimeFailure({ code: "BAD_COMMAND", message: "the image has no such command" }, true);
    this.#checkHostPorts(container);
    container.process = process;
    container.lines.push(...process.lines.map((line): LogLine => ({ stream: "stdout", line })));
    const { exitCode: _code, ...rest } = container.state;
    const place = 1 + Number.parseInt(id, 16);
    const ip = `10.42.${(place >> 8) & 255}.${place & 255}`;
    const address = container.isCutOff ? {} : { ip };
    container.state = { ...rest, ...address, state: "running", startedAt: this.#clock.wall() };
    this.#tell({ kind: "changed", container: id, to: "running" });
    if (process.endsWith !== undefined) this.#exit(container, process.endsWith);
  }

  async kill(id: string, name: string): Promise<void> {
    this.#answer();
    const container = this.#containers.get(id);
    if (!container) return;
    if (name === "SIGKILL") this.#exit(container, killed);
    else if (!container.process?.ignoresTerm) this.#exit(container, 0);
  }

  async remove(id: string): Promise<void> {
    this.#answer();
    const container = this.#containers.get(id);
    if (!container) return;
    this.#exit(container, killed);
    this.#containers.delete(id);
    this.#tell({ kind: "changed", container: id, to: "gone" });
  }

  async inspect(id: string): Promise<ContainerState> {
    return this.#find(id).state;
  }

  /** Nobody has a hand in it. */
  async changed(id: string): Promise<[]> {
    this.#find(id);
    return [];
  }

  watch(onEvent: (event: RuntimeEvent) => void, signal: AbortSignal): Promise<void> {
    this.#watchers.add(onEvent);
    onEvent({ kind: "gap" });
    return new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve(void this.#watchers.delete(onEvent)), { once: true });
    });
  }

  async *logs(id: string, { tail }: LogOptions): AsyncGenerator<LogLine> {
    const { lines } = this.#find(id);
    yield* tail === undefined ? lines : lines.slice(-tail);
  }

  async exec(id: string, { command, stdout }: ExecOptions): Promise<number> {
    const { spec, state } = this.#find(id);
    if (state.state !== "running") throw refusal("ENGINE_ERROR", "it does not run");
    const process = this.#images.get(spec.template.image)?.({ command, args: [], env: {} });
    for (const line of process?.lines ?? []) stdout.write(`${line}\n`);
    return process?.endsWith ?? 126;
  }

  end(pod: string, exitCode: number): void {
    for (const container of this.#containers.values()) if (container.spec.pod === pod) this.#exit(container, exitCode);
  }

  power(on: boolean): void {
    if (!on) for (const container of this.#containers.values()) this.#exit(container, killed);
    this.#isOn = on;
    this.#tell({ kind: on ? "gap" : "lost" });
  }

  #answer(): void {
    if (!this.#isOn) throw new OrchestraError("unavailable", "the engine is off");
  }

  #find(id: string): Container {
    this.#answer();
    const container = this.#containers.get(id);
    if (!container) throw new OrchestraError("not-found", `there is no container ${id}`);
    return container;
  }

  #checkHostPorts(container: Container): void {
    const running = [...this.#containers.values()].filter(({ state }) => state.state === "running");
    const taken = running.flatMap(hostPorts);
    const clash = hostPorts(container).find((port) => taken.includes(port));
    if (clash) throw refusal("PORT_TAKEN", `host port ${clash} is taken`);
  }

  #exit(container: Container, exitCode: number): void {
    if (container.state.state !== "running") return;
    const { ip: _gone, ...rest } = container.state;
    container.state = { ...rest, state: "exited", exitCode, oomKilled: false };
    this.#tell({ kind: "changed", container: container.state.id, to: "exited" });
  }

  #tell(event: RuntimeEvent): void {
    for (const watcher of this.#watchers) watcher(event);
  }
}

const hostPorts = ({ spec }: Container): number[] => spec.template.ports.flatMap(({ hostPort }) => hostPort ?? []);

/** One that may pass. */
function refusal(code: ReasonCode, message: string): RuntimeFailure {
  return new RuntimeFailure({ code, message }, false);
}
