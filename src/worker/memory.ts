// A small real runtime without an engine: containers are entries of a map, processes are the functions that images are made of.
// For tests and the simulator; the contract suite that holds Docker holds it too.
import type { Clock } from "../clock.ts";
import { OrchestraError } from "../model/errors.ts";
import type { ResolvedTemplate } from "../model/template.ts";
import type { ContainerSpec, ContainerState, LogLine, NodeNetwork, Runtime, RuntimeEvent } from "./runtime.ts";
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

/** `images`: what can be run; an image that is not among them is in no registry either. */
export function openMemory(images: ReadonlyMap<string, Program>, clock: Clock): MemoryRuntime {
  const containers = new Map<string, Container>();
  const networks = new Map<string, NodeNetwork>();
  const watchers = new Set<(event: RuntimeEvent) => void>();
  let isOn = true;
  let created = 0;

  const tell = (event: RuntimeEvent) => {
    for (const watcher of watchers) watcher(event);
  };
  const answer = () => {
    if (!isOn) throw new OrchestraError("unavailable", "the engine is off");
  };
  const find = (id: string): Container => {
    answer();
    const container = containers.get(id);
    if (!container) throw new OrchestraError("not-found", `there is no container ${id}`);
    return container;
  };
  const end = (container: Container, exitCode: number) => {
    if (container.state.state !== "running") return;
    const { ip: _gone, ...rest } = container.state;
    container.state = { ...rest, state: "exited", exitCode, oomKilled: false };
    tell({ kind: "changed", container: container.state.id, to: "exited" });
  };
  const hostPorts = ({ spec }: Container) => spec.template.ports.flatMap(({ hostPort }) => hostPort ?? []);

  return {
    async info() {
      answer();
      return {
        capacity: { cpuMilli: 4_000, memoryBytes: 8 * 1024 ** 3, pids: 0 },
        limits: { cpu: true, memory: true, pids: true },
        platform: { os: "linux", arch: "amd64" },
        version: "0",
        apiVersion: "0",
        kernel: "0",
        dataFolder: "/",
      };
    },
    async list() {
      answer();
      return [...containers.values()].map(({ state: { exitCode: _c, startedAt: _s, ...rest } }) => rest);
    },
    async networks(name) {
      answer();
      const ours = networks.get(name);
      const taken = [...networks.values()].map(({ range }) => ({
        range,
        isBridge: true,
        name: `the network ${range}`,
      }));
      return { ...(ours ? { ours } : {}), taken };
    },
    async createNetwork(network) {
      answer();
      const isTaken = [...networks.values()].some(
        ({ name, range }) => name === network.name || range === network.range,
      );
      if (!isTaken) networks.set(network.name, network);
      return !isTaken;
    },
    async removeNetwork(name, { force }) {
      answer();
      const attached = [...containers.values()].filter(({ spec, isCutOff }) => spec.network === name && !isCutOff);
      if (attached.length > 0 && !force) return false;
      for (const container of attached) {
        const { ip: _gone, ...rest } = container.state;
        container.state = rest;
        container.isCutOff = true;
      }
      return networks.delete(name);
    },
    async pull(template) {
      answer();
      if (images.has(template.image)) return;
      const isNever = template.imagePullPolicy === "Never";
      const code = isNever ? "IMAGE_NOT_PRESENT" : "IMAGE_NOT_FOUND";
      throw new RuntimeFailure({ code, message: `image ${template.image} does not exist` }, false);
    },
    async create(spec) {
      answer();
      const there = [...containers.values()].find((container) => container.spec.pod === spec.pod);
      if (there) return there.state.id;
      const { image } = spec.template;
      if (!images.has(image)) {
        throw new RuntimeFailure({ code: "IMAGE_NOT_PRESENT", message: `image ${image} is not on this node` }, false);
      }
      created += 1;
      const id = created.toString(16).padStart(64, "0");
      const { pod, deployment, slot, revision } = spec;
      containers.set(id, { spec, lines: [], state: { id, pod, deployment, slot, revision, state: "created" } });
      return id;
    },
    async start(id) {
      const container = find(id);
      if (container.state.state === "running") return;
      const { template } = container.spec;
      const process = images.get(template.image)?.(template);
      if (!process) throw new RuntimeFailure({ code: "BAD_COMMAND", message: "the image has no such command" }, true);
      const taken = [...containers.values()].filter((other) => other !== container && other.state.state === "running");
      const clash = hostPorts(container).find((port) => taken.flatMap(hostPorts).includes(port));
      if (clash) throw new RuntimeFailure({ code: "PORT_TAKEN", message: `host port ${clash} is taken` }, false);
      container.process = process;
      container.lines.push(...process.lines.map((line): LogLine => ({ stream: "stdout", line })));
      const { exitCode: _code, ...rest } = container.state;
      const ip = `10.42.0.${2 + (Number.parseInt(id, 16) % 250)}`;
      const address = container.isCutOff ? {} : { ip };
      container.state = { ...rest, ...address, state: "running", startedAt: clock.wall() };
      tell({ kind: "changed", container: id, to: "running" });
      if (process.endsWith !== undefined) end(container, process.endsWith);
    },
    async kill(id, name) {
      answer();
      const container = containers.get(id);
      if (name === "SIGKILL") return container && end(container, killed);
      if (container && !container.process?.ignoresTerm) end(container, 0);
    },
    async remove(id) {
      answer();
      const container = containers.get(id);
      if (!container) return;
      end(container, killed);
      containers.delete(id);
      tell({ kind: "changed", container: id, to: "gone" });
    },
    inspect: async (id) => find(id).state,
    watch(onEvent, signal) {
      watchers.add(onEvent);
      onEvent({ kind: "gap" });
      return new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve(void watchers.delete(onEvent)), { once: true });
      });
    },
    async *logs(id, { tail }) {
      const { lines } = find(id);
      yield* tail === undefined ? lines : lines.slice(-tail);
    },
    async exec(id, { command, stdout }) {
      const { spec, state } = find(id);
      if (state.state !== "running")
        throw new RuntimeFailure({ code: "ENGINE_ERROR", message: "it does not run" }, false);
      const process = images.get(spec.template.image)?.({ command, args: [], env: {} });
      for (const line of process?.lines ?? []) stdout.write(`${line}\n`);
      return process?.endsWith ?? 126;
    },
    end(pod, exitCode) {
      for (const container of containers.values()) if (container.spec.pod === pod) end(container, exitCode);
    },
    power(on) {
      if (!on) for (const container of containers.values()) end(container, killed);
      isOn = on;
      tell({ kind: on ? "gap" : "lost" });
    },
  };
}
