// A host of a lab: a machine on the lab's network with an engine, and what makes a process there belong to the cluster.
import { once } from "node:events";
import { closeSync, mkdirSync, openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type Docker from "dockerode";
import { execute, type Outcome } from "../cluster.ts";
import { eventually } from "../eventually.ts";
import { type LabEngine, loadImages, startEngine } from "./engine.ts";
import type { Cable, Lan } from "./lan.ts";
import { type Machine, pidOf, startMachine } from "./machine.ts";

const program = fileURLToPath(new URL("../../../bin/dev.js", import.meta.url));
/** Several engines and orchestras start at a time. */
const startLimitMs = 120_000;

export interface LabHost {
  /** Of its node too. */
  readonly name: string;
  readonly address: string;
  readonly folder: string;
  /** What makes a process in it belong to the cluster. */
  readonly environment: NodeJS.ProcessEnv;
  readonly docker: Docker;
  /** A command line that begins with these words runs in the host. */
  readonly enter: readonly string[];
  /** Runs a program in the host; never throws for an exit code. */
  run(...words: readonly string[]): Promise<Outcome>;
  /** Runs `orchestra` in the host. */
  orchestra(...words: readonly string[]): Promise<Outcome>;
  /** Starts `orchestra up` or `orchestra run ROLE…` as a supervisor would; resolves when it serves. */
  start(...words: readonly string[]): Promise<LabProcess>;
  readonly cable: Cable;
  /** Pulls it: nothing gets through, either way. */
  cut(): Promise<void>;
  heal(): Promise<void>;
  /** Every process stands still, containers too. */
  pause(): void;
  resume(): void;
  /** Power off. Nothing in it ends in order. */
  kill(): Promise<void>;
  /** Power on after `kill`: the engine runs on what it had on its disk. */
  boot(): Promise<void>;
}

export interface LabProcess {
  /** As this machine sees it. */
  readonly pid: number;
  log(): string;
  /** Resolves when it has ended. */
  end(signal: "SIGTERM" | "SIGINT" | "SIGKILL"): Promise<void>;
}

export interface HostOptions {
  readonly name: string;
  readonly address: string;
  readonly folder: string;
  readonly lan: Lan;
  readonly environment: NodeJS.ProcessEnv;
  /** Below it the engine's containers are. */
  readonly cgroup: string;
}

interface Parts {
  readonly machine: Machine;
  readonly cable: Cable;
  readonly engine: LabEngine;
}

/** `images`: a file with what its engine gets. `machines` gets each machine as soon as it is there, for the lab to end it. */
export async function startHost(options: HostOptions, images: Promise<string>, machines: Machine[]): Promise<LabHost> {
  const { name, address, folder } = options;
  mkdirSync(folder, { recursive: true });
  const boot = () => bootHost(options, machines);
  let parts = await boot();
  let starts = 0;
  const environment = {
    ...options.environment,
    DOCKER_HOST: parts.engine.host,
    ORCHESTRA_NODE: name,
    ORCHESTRA_STATE_DIR: join(folder, "state"),
    ORCHESTRA_CACHE_DIR: join(folder, "cache"),
  };
  await loadImages(parts.engine, await images);
  const run = (...words: readonly string[]) => {
    const [file = "", ...line] = [...parts.machine.enter, ...words];
    return execute(file, line, environment);
  };

  return {
    name,
    address,
    folder,
    environment,
    get docker() {
      return parts.engine.docker;
    },
    get enter() {
      return parts.machine.enter;
    },
    run,
    orchestra: (...words) => run(process.execPath, program, ...words),
    start(...words) {
      starts += 1;
      const path = join(folder, `orchestra-${starts}.log`);
      return startServing(parts.machine, words, environment, path);
    },
    get cable() {
      return parts.cable;
    },
    cut: () => parts.cable.cut(),
    heal: () => parts.cable.heal(),
    pause: () => parts.machine.pause(),
    resume: () => parts.machine.resume(),
    kill: () => parts.machine.kill(),
    async boot() {
      await parts.machine.kill();
      parts = await boot();
    },
  };
}

async function bootHost({ name, address, folder, lan, cgroup }: HostOptions, machines: Machine[]): Promise<Parts> {
  const machine = await startMachine(name);
  machines.push(machine);
  const cable = await lan.plug(machine, address);
  const engine = await startEngine(machine, join(folder, "docker"), cgroup);
  return { machine, cable, engine };
}

async function startServing(
  machine: Machine,
  words: readonly string[],
  env: NodeJS.ProcessEnv,
  path: string,
): Promise<LabProcess> {
  const what = `${machine.name}: orchestra ${words.join(" ")}`;
  const output = openSync(path, "a");
  const child = machine.start([process.execPath, program, ...words], { env, stdio: ["ignore", output, output] });
  closeSync(output);
  const ended = once(child, "exit");
  const log = () => readFileSync(path, "utf8");
  await eventually(
    `${what} serves`,
    () => {
      if (child.exitCode !== null) throw new Error(`${what} ended with ${child.exitCode}:\n${log()}`);
      return /orchestra (is up|runs .*) as node/.test(log());
    },
    startLimitMs,
  );
  const pid = await pidOf(child);
  return {
    pid,
    log,
    async end(signal) {
      process.kill(pid, signal);
      await ended;
    },
  };
}
