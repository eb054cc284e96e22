// The peer: Swarm mode on the same engine, driven by the docker command line as its users drive it.
import { execFile } from "node:child_process";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface Swarm {
  /** `docker service create`, until all replicas run. `flags` go before the image. */
  create(name: string, replicas: number, flags: readonly string[], image?: string): Promise<void>;
  update(name: string, flags: readonly string[]): Promise<void>;
  /** Until so many tasks of this image (or any) run and none else of the service. */
  running(name: string, replicas: number, image?: string): Promise<void>;
  /** Until the service's only running container is another one. */
  replaced(name: string, container: string): Promise<void>;
  /** `docker service rm`, until no container of the service is left. */
  remove(name: string): Promise<void>;
  docker(args: readonly string[], input?: string): Promise<string>;
  /** Container ids of the service's running tasks. */
  containers(name: string): Promise<string[]>;
  leave(): Promise<void>;
}

/** Makes the engine at `socket` a swarm of one on loopback. */
export async function startSwarm(socket: string): Promise<Swarm> {
  const docker = (args: readonly string[], input?: string) => runDocker(socket, args, input);
  const lines = async (args: readonly string[]) => (await docker(args)).split("\n").filter((line) => line !== "");
  const containers = (name: string, ...more: string[]) =>
    lines(["ps", "-q", "--no-trunc", ...more, "--filter", `label=com.docker.swarm.service.name=${name}`]);
  await docker(["swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1:2377"]);

  const running = async (name: string, replicas: number, image?: string) => {
    for (;;) {
      const all = await containers(name);
      const wanted = image === undefined ? all : await containers(name, "--filter", `ancestor=${image}`);
      if (all.length === replicas && wanted.length === replicas) return;
      await sleep(20);
    }
  };

  return {
    docker,
    running,
    containers,
    async create(name, replicas, flags, image = "orchestra-demo:1") {
      await docker([
        ...["service", "create", "--detach", "--no-resolve-image", "--name", name, "--replicas", String(replicas)],
        ...flags,
        image,
      ]);
      await running(name, replicas);
    },
    async update(name, flags) {
      await docker(["service", "update", "--detach", "--no-resolve-image", ...flags, name]);
    },
    async replaced(name, container) {
      for (;;) {
        const [now] = await containers(name);
        if (now !== undefined && now !== container) return;
        await sleep(20);
      }
    },
    async remove(name) {
      await docker(["service", "rm", name]);
      while ((await containers(name, "-a")).length > 0) await sleep(20);
    },
    async leave() {
      await docker(["swarm", "leave", "--force"]);
    },
  };
}

async function runDocker(socket: string, args: readonly string[], input?: string): Promise<string> {
  const child = run("docker", ["-H", `unix://${socket}`, ...args], { maxBuffer: 64 * 1024 * 1024 });
  if (input !== undefined) child.child.stdin?.end(input);
  return (await child).stdout.trim();
}
