// Pods from the commit to the running container, through a new image, and to their end: beside the raw engine and Swarm on the same engine.
import { execFileSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type BenchEngine, startBenchEngine } from "./bench-engine.ts";
import { median, report, rounds, timed } from "./bench-measure.ts";
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
    end.swarm.push(
      await timed(async () => {
        await swarm.docker(["service", "rm", "web"]);
        await swarm.removed("web");
      }),
    );
  }
  const best = (all: ReadonlyMap<number, number[]>) => Math.min(...[...all.values()].map(median));
  report({
    what: `commit to all running, ${replicas} replicas`,
    unit: "ms",
    ours: median(start.ours),
    baselines: { raw: best(rawStart), swarm: median(start.swarm) },
    target: { baseline: "raw", atMost: 1.15 },
    samples: start.ours,
  });
  report({
    what: `delete of ${replicas} replicas, commit to all gone`,
    unit: "ms",
    ours: median(end.ours),
    baselines: { raw: best(rawEnd), swarm: median(end.swarm) },
    target: { baseline: "raw", atMost: 1.3 },
    samples: end.ours,
  });
}

async function applyOne({ engine, ours, raw, swarm }: Sides): Promise<void> {
  const file = join(engine.folder, "one.yaml");
  await writeFile(file, "{ name: one, image: 'orchestra-demo:1', replicas: 1 }\n");
  const samples: number[] = [];
  const baselines = { swarm: [] as number[], raw: [] as number[] };
  for (let round = 0; round < 2 * count; round += 1) {
    samples.push(await timed(() => ours.cli("apply", "-f", file)));
    await ours.cli("delete", "one", "--yes");
    baselines.raw.push(await timed(() => raw.start(1, 1)));
    await raw.removeAll(1);
    baselines.swarm.push(await timed(() => swarm.create("one", 1, [])));
    await swarm.docker(["service", "rm", "one"]);
    await swarm.removed("one");
  }
  report({
    what: "apply of 1 replica, the whole command, to running",
    unit: "ms",
    ours: median(samples),
    baselines: { swarm: median(baselines.swarm), raw: median(baselines.raw) },
    target: { baseline: "swarm", atMost: 1.2 },
    samples,
  });
}

/** No ports, so there is no drain on either side. */
async function newImage({ engine, ours, swarm }: Sides): Promise<void> {
  const file = (image: string) => ({
    path: join(engine.folder, `${image.replace(":", "-")}.yaml`),
    text: `apiVersion: orchestra/v1\nkind: Deployment\nmetadata: { name: roll }\nspec:\n  replicas: 10\n  image: ${image}\n  strategy: { maxSurge: "100%" }\n`,
  });
  const images = ["orchestra-demo:1", "orchestra-demo:2"];
  for (const image of images) await writeFile(file(image).path, file(image).text);
  await ours.cli("apply", "-f", file("orchestra-demo:1").path);
  const flags = ["--update-order", "start-first", "--update-parallelism", "0"];
  await swarm.create("roll", 10, flags);
  const samples: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < count; round += 1) {
    const image = images[(round + 1) % 2] ?? "";
    samples.push(await timed(() => ours.cli("apply", "-f", file(image).path)));
    theirs.push(
      await timed(async () => {
        await swarm.update("roll", ["--image", image, "--force"]);
        await swarm.running("roll", 10, image);
      }),
    );
  }
  await ours.cli("delete", "roll", "--yes");
  await swarm.docker(["service", "rm", "roll"]);
  await swarm.removed("roll");
  report({
    what: "new image for 10 replicas, successors first, the whole command",
    unit: "ms",
    ours: median(samples),
    baselines: { swarm: median(theirs) },
    target: { baseline: "swarm", atMost: 1 },
    samples,
  });
}

/** A container that someone kills is ready again: the first crash, before any back-off. */
async function killed({ engine, ours, raw, swarm }: Sides): Promise<void> {
  const kill = (container: string) =>
    execFileSync("docker", ["-H", `unix://${engine.socket}`, "kill", container], { stdio: "ignore" });
  const samples: number[] = [];
  const floor: number[] = [];
  const theirs = { swarm: [] as number[], swarmWithNames: [] as number[] };
  await swarm.docker(["network", "create", "--driver", "overlay", "names"]);
  for (let round = 0; round < count; round += 1) {
    await raw.start(1, 1);
    floor.push(await timed(() => raw.startAgain(kill)));
    await raw.removeAll(1);
    await ours.commit("kill", 1);
    await ours.until((pods) => pods.length === 1 && pods.every(({ phase }) => phase === "ready"));
    const container = ours.statuses()[0]?.container ?? "";
    samples.push(
      await timed(async () => {
        kill(container);
        await ours.until(([pod]) => pod?.phase === "ready" && pod.restarts === 1);
      }),
    );
    await ours.cli("delete", "kill", "--yes");
    for (const [side, flags] of [
      ["swarm", []],
      // A task without a network of its own answers by no name; this is what a stack gets.
      ["swarmWithNames", ["--network", "names"]],
    ] as const) {
      await swarm.create("kill", 1, ["--restart-delay", "0s", ...flags]);
      const [task = ""] = await swarm.containers("kill");
      theirs[side].push(
        await timed(async () => {
          kill(task);
          await swarm.replaced("kill", task);
        }),
      );
      await swarm.docker(["service", "rm", "kill"]);
      await swarm.removed("kill");
    }
  }
  await swarm.docker(["network", "rm", "names"]);
  report({
    what: "container killed to ready again, first time",
    unit: "ms",
    ours: median(samples),
    baselines: {
      raw: median(floor),
      swarm: median(theirs.swarm),
      swarmWithNames: median(theirs.swarmWithNames),
    },
    target: { baseline: "swarm", atMost: 0.6 },
    samples,
  });
}

await main();
