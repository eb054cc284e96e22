// The floor: the engine itself through dockerode, at the concurrency that serves it best, with the same container settings as ours.
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import Docker from "dockerode";

const image = "orchestra-demo:1";

export interface RawEngine {
  /** Creates and starts `count` containers, `atOnce` at a time; resolves when all run. */
  start(count: number, atOnce: number): Promise<void>;
  /** Stops (SIGTERM) and removes all that `start` made. */
  removeAll(atOnce: number): Promise<void>;
  /** Runs `kill` with the id of the one container that `start` made; starts it again as soon as the engine tells of its end; resolves when it runs. */
  startAgain(kill: (container: string) => void): Promise<void>;
}

export function rawEngine(socketPath: string, network: string): RawEngine {
  const docker = new Docker({ socketPath, version: "v1.41" });
  let made: string[] = [];
  return {
    async start(count, atOnce) {
      await inTurns(count, atOnce, async () => {
        const container = await docker.createContainer({
          Image: image,
          Labels: { "orchestra-bench": "raw" },
          HostConfig: {
            NetworkMode: network,
            SecurityOpt: ["no-new-privileges"],
            LogConfig: { Type: "json-file", Config: { "max-size": "10m", "max-file": "3" } },
          },
        });
        made.push(container.id);
        await container.start();
      });
    },
    async startAgain(kill) {
      const id = made[0] ?? "";
      const events = await docker.getEvents({ filters: { container: [id], event: ["die"] } });
      const ended = once(events, "data");
      kill(id);
      await ended;
      await docker.getContainer(id).start();
      (events as IncomingMessage).destroy();
    },
    async removeAll(atOnce) {
      const ids = made;
      made = [];
      await inTurns(ids.length, atOnce, async (index) => {
        const container = docker.getContainer(ids[index] ?? "");
        await container.stop({ t: 10 });
        await container.remove({ force: true });
      });
    },
  };
}

/** Runs `work` for 0…count−1, at most `atOnce` at a time. */
async function inTurns(count: number, atOnce: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const runner = async () => {
    while (next < count) {
      const index = next;
      next += 1;
      await work(index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, count) }, runner));
}
