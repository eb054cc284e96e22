// Pods from the commit to the running container, through a new image, and to their end: beside the raw engine and Swarm on the same engine.
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BenchEngine, startBenchEngine } from "./bench-engine.ts";
import { compare, median, reportMedians, rounds, timed } from "./bench-measure.ts";
import { type BenchOrchestra, startBenchOrchestra } from "./bench-orchestra.ts";
import { type RawEngine, rawEngine } from "./bench-raw.ts";
import { type Swarm, startSwarm } from "./bench-swarm.ts";

interface Sides {
  readonly engine: BenchEngine;
  readonly ours: BenchOrchestra;
  readonly raw: RawEngine;
  readonly swarm: Swarm;
}

const count = rounds(5);
/** The raw engine gets the concurrency that serves it best; these are tried. */
const concurrencies = [4, 8];
const up = (phase: string) => phase === "running" || phase === "ready";

async function main(): Promise<void> {
  const engine = await startBenchEngine();
  try {
    const swarm = await startSwarm(engine.socket);
    const raw = rawEngine(engine.socket, engine.network);
    const ours = await startBenchOrchestra(engine, process.pid % 250);
    try {
      const sides = { engine, ours, raw, swarm };
      for (const replicas of [10, 50]) await startAndDelete(sides, replicas);
      await applyOne(sides);
      await newImage(sides);
      await killed(sides);
    } finally {
      await ours.close();
      await swarm.leave();
    }
  } finally {
    await engine.close();
  }
}

async function startAndDelete({ ours, raw, swarm }: Sides, replicas: number): Promise<void> {
  const start = { ours: [] as number[], swarm: [] as number[] };
  const end = { ours: [] as number[], swarm: [] as number[] };
  const rawStart = new Map(concurrencies.map((atOnce) => [atOnce, [] as number[]]));
  const rawEnd = new Map(concurrencies.map((atOnce) => [atOnce, [] as number[]]));
  for (let round = 0; round < (replicas > 20 ? Math.ceil(count / 2) : count); round += 1) {
    const committed = await ours.commit("web", replicas);
    await ours.until((pods) => pods.length === replicas && pods.every(({ phase }) => up(phase)));
    start.ours.push(performance.now() - committed);
    const ended = await ours.commitEnd("web");
    await ours.until((pods) => pods.length === 0);
    end.ours.push(performance.now() - ended);
    for (const atOnce of concurrencies) {
      rawStart.get(atOnce)?.push(await timed(() => raw.start(replicas, atOnce)));
      rawEnd.get(atOnce)?.push(await timed(() => raw.removeAll(atOnce)));
    }
    start.swarm.push(await timed(() => swarm.create("web", replicas, [])));
    end.swarm.push(await timed(() => swarm.remove("web")));
  }
  const best = (all: ReadonlyMap<number, number[]>) =>
    [...all.values()].reduce((one, other) => (median(other) < median(one) ? other : one));
  reportMedians({
    what: `commit to all running, ${replicas} replicas`,
    ours: start.ours,
    baselines: { raw: best(rawStart), swarm: start.swarm },
    target: { baseline: "raw", atMost: 1.15 },
  });
  reportMedians({
    what: `delete of ${replicas} replicas, commit to all gone`,
    ours: end.ours,
    baselines: { raw: best(rawEnd), swarm: end.swarm },
    target: { baseline: "raw", atMost: 1.3 },
  });
}

async function applyOne({ engine, ours, raw, swarm }: Sides): Promise<void> {
  const file = join(engine.folder, "one.yaml");
  await writeFile(file, "{ name: one, image: 'orchestra-demo:1', replicas: 1 }\n");
  await compare({
    what: "apply of 1 replica, the whole command, to running",
    rounds: 2 * count,
    async ours() {
      const ms = await timed(() => ours.cli("apply", "-f", file));
      await ours.cli("delete", "one", "--yes");
      return ms;
    },
    baselines: {
      async raw() {
        const ms = await timed(() => raw.start(1, 1));
        await raw.removeAll(1);
        return ms;
      },
      async swarm() {
        const ms = await timed(() => swarm.create("one", 1, []));
        await swarm.remove("one");
        return ms;
      },
    },
    target: { baseline: "swarm", atMost: 1.2 },
  });
}

/** No ports, so there is no drain on either side. */
async function newImage({ engine, ours, swarm }: Sides): Promise<void> {
  const images = ["orchestra-demo:1", "orchestra-demo:2"];
  const imageOf = (round: number) => images[round % 2] ?? "";
  const fileOf = (round: number) => join(engine.folder, `roll-${round % 2}.yaml`);
  for (const round of images.keys()) {
    const text = `apiVersion: orchestra/v1\nkind: Deployment\nmetadata: { name: roll }\nspec:\n  replicas: 10\n  image: ${imageOf(round)}\n  strategy: { maxSurge: "100%" }\n`;
    await writeFile(fileOf(round), text);
  }
  await ours.cli("apply", "-f", fileOf(0));
  await swarm.create("roll", 10, ["--update-order", "start-first", "--update-parallelism", "0"]);
  await compare({
    what: "new image for 10 replicas, successors first, the whole command",
    rounds: count,
    ours: (round) => timed(() => ours.cli("apply", "-f", fileOf(round + 1))),
    baselines: {
      swarm: (round) =>
        timed(async () => {
          await swarm.update("roll", ["--image", imageOf(round + 1), "--force"]);
          await swarm.running("roll", 10, imageOf(round + 1));
        }),
    },
    target: { baseline: "swarm", atMost: 1 },
  });
  await ours.cli("delete", "roll", "--yes");
  await swarm.remove("roll");
}

/** A container that someone kills is ready again: the first crash, before any back-off. */
async function killed({ engine, ours, raw, swarm }: Sides): Promise<void> {
  const kill = (container: string) =>
    execFileSync("docker", ["-H", `unix://${engine.socket}`, "kill", container], { stdio: "ignore" });
  const task = async (...flags: string[]) => {
    await swarm.create("kill", 1, ["--restart-delay", "0s", ...flags]);
    const [container = ""] = await swarm.containers("kill");
    const ms = await timed(async () => {
      kill(container);
      await swarm.replaced("kill", container);
    });
    await swarm.remove("kill");
    return ms;
  };
  await swarm.docker(["network", "create", "--driver", "overlay", "names"]);
  await compare({
    what: "container killed to ready again, first time",
    rounds: count,
    async ours() {
      await ours.commit("kill", 1);
      await ours.until((pods) => pods.length === 1 && pods.every(({ phase }) => phase === "ready"));
      const container = ours.statuses()[0]?.container ?? "";
      const ms = await timed(async () => {
        kill(container);
        await ours.until(([pod]) => pod?.phase === "ready" && pod.restarts === 1);
      });
      await ours.cli("delete", "kill", "--yes");
      return ms;
    },
    baselines: {
      async raw() {
        await raw.start(1, 1);
        const ms = await timed(() => raw.startAgain(kill));
        await raw.removeAll(1);
        return ms;
      },
      swarm: () => task(),
      // A task without a network of its own answers by no name; this is what a stack gets.
      swarmWithNames: () => task("--network", "names"),
    },
    target: { baseline: "swarm", atMost: 0.6 },
  });
  await swarm.docker(["network", "rm", "names"]);
}

await main();
