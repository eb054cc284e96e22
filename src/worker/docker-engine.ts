// The connection to one Docker engine: which API version to speak, limits on every call, errors as ours.
import { createConnection } from "node:net";
import Docker from "dockerode";
import { OrchestraError } from "../model/errors.ts";
import { engineError, statusOf } from "./docker-errors.ts";
import { unanswered } from "./runtime.ts";

/** The newest API that this program was written for; an older engine is spoken to in its own. */
const newestApi = "1.44";
const oldestApi = "1.41";
/** A call that says nothing for so long is given up: a start on a busy engine takes seconds, a hung engine forever. */
const callSilenceMs = 60_000;

const usualSocket = "/var/run/docker.sock";

/** Two clients of one engine: the silence limit would end the streams that are rightly silent. */
export interface Clients {
  readonly calls: Docker;
  readonly streams: Docker;
  readonly apiVersion: string;
  readonly version: string;
}

export interface Engine {
  /** The clients, once the engine has told its version. */
  clients(): Promise<Clients>;
  /** Runs one call; whatever it throws goes through `explain` (or the usual translation). */
  call<T>(run: (docker: Docker) => Promise<T>, explain?: (error: unknown) => Error): Promise<T>;
  /**
   * Throws `unavailable` where the engine takes no new connections. One that shuts down closes its socket first and goes on answering where it
   * is connected: a container that it starts then leaves a network behind with its address, which the next engine gives to the same container.
   */
  listening(): Promise<void>;
  /** Forgets the version: the engine may come back as another one. */
  forget(): void;
}

/**
 * Connects lazily: an engine that is not there yet is an error of each call, not of this function.
 * `host` is spelt as DOCKER_HOST: `unix:///var/run/docker.sock`, `tcp://10.0.0.5:2375`; absent: the usual socket.
 * A call that is not answered for `limitMs` is given up, which is `unanswered`.
 */
export function openEngine(host: string | undefined, limitMs: number = callSilenceMs): Engine {
  let connected: Promise<Clients> | undefined;
  const clients = () => {
    connected ??= connect(addressOf(host), limitMs).catch((error: unknown) => {
      connected = undefined;
      throw error;
    });
    return connected;
  };
  return {
    clients,
    async call(run, explain = engineError) {
      const { calls } = await clients();
      const askedAt = performance.now();
      try {
        return await run(calls);
      } catch (error) {
        // The client tells of its own limit in the words of a connection that broke.
        const isOver = statusOf(error) === undefined && performance.now() - askedAt >= limitMs;
        throw isOver ? unanswered(limitMs, error) : explain(error);
      }
    },
    async listening() {
      const socketPath = socketOf(host ?? `unix://${usualSocket}`);
      if (socketPath !== undefined) await reach(socketPath);
    },
    forget() {
      connected = undefined;
    },
  };
}

function reach(socketPath: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(socketPath, () => {
      socket.destroy();
      resolve();
    });
    socket.on("error", (error) => reject(engineError(error)));
  });
}

/** A host over TCP or TLS is left to the client, which reads the same variables as `docker` does. */
function addressOf(host: string | undefined): Docker.DockerOptions {
  const socketPath = host === undefined ? undefined : socketOf(host);
  return socketPath === undefined ? {} : { socketPath };
}

/** Undefined: it is no socket of this machine. */
function socketOf(host: string): string | undefined {
  return host.startsWith("unix://") ? host.slice("unix://".length) : undefined;
}

async function connect(address: Docker.DockerOptions, timeout: number): Promise<Clients> {
  const asked = new Docker({ ...address, timeout });
  const told = await asked.version().catch((error: unknown) => {
    throw engineError(error);
  });
  if (compareVersions(told.ApiVersion, oldestApi) < 0) {
    throw new OrchestraError("unavailable", `Docker ${told.Version} speaks API ${told.ApiVersion} only`, {
      hint: "install Docker 20.10 or newer",
    });
  }
  const apiVersion = compareVersions(told.ApiVersion, newestApi) < 0 ? told.ApiVersion : newestApi;
  const version = `v${apiVersion}`;
  return {
    calls: new Docker({ ...address, version, timeout }),
    streams: new Docker({ ...address, version }),
    apiVersion,
    version: told.Version,
  };
}

/** Negative when `a` is older than `b`; both as `1.41` or `28.0.1`. */
export function compareVersions(a: string, b: string): number {
  const left = a.split(".").map(Number);
  const right = b.split(".").map(Number);
  for (let at = 0; at < Math.max(left.length, right.length); at += 1) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
