// A followed folder: from a saved file to the store and to a running container, many files at once, and what it costs while nothing changes.
import { execFile } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { benchFolder } from "./bench-ending.ts";
import { type BenchEngine, startBenchEngine } from "./bench-engine.ts";
import { compare, quantile, report, rounds, timed } from "./bench-measure.ts";
import { startBenchOrchestra } from "./bench-orchestra.ts";
import { cpuSeconds, residentMegabytes } from "./bench-process.ts";
import { startSwarm } from "./bench-swarm.ts";
import { type BenchSync, type ManifestFolder, manifestOf, startBenchSync, writeManifests } from "./bench-sync.ts";

const exec = promisify(execFile);
/** A rescan comes each minute. */
const observedSeconds = rounds(120);
const deployments = (sync: BenchSync) => sync.view.snapshot().list("deployments");

async function main(): Promise<void> {
  const { folder, remove } = await benchFolder();
  const engine = await startBenchEngine();
  try {
    const thousand = await writeManifests(join(folder, "thousand"), 1_000);
    const stored = await saved(thousand);
    await changed(engine, thousand);
    await running(engine, await writeManifests(join(folder, "running"), 1_000), stored);
    const tenThousand = await writeManifests(join(folder, "ten-thousand"), 10_000);
    await unchanged(tenThousand);
    await idle(tenThousand);
  } finally {
    await engine.close();
    await remove();
  }
}

/** Gives the 95th percentile. */
async function saved({ path, save }: ManifestFolder): Promise<number> {
  const sync = await startBenchSync(path);
  try {
    await sync.until(() => deployments(sync).length === 1_000);
    const samples: number[] = [];
    for (let round = 1; round <= rounds(40); round += 1) {
      // Somebody saves now and then: not while the folder is still being looked at.
      await sleep(500);
      const index = (round * 37) % 1_000;
      const before = generation(sync, index);
      const begun = performance.now();
      await save(index, `saved-${round}`);
      await sync.until(() => generation(sync, index) > before);
      samples.push(performance.now() - begun);
    }
    const ours = quantile(samples, 0.95);
    report({ what: "one saved file of 1000 to stored, p95", unit: "ms", ours, bound: 300, samples });
    return ours;
  } finally {
    await sync.close();
  }
}

function generation(sync: BenchSync, index: number): number {
  return deployments(sync).find(({ key }) => key === `deployments/d${index}`)?.value.generation ?? 0;
}

/** Of Swarm a stack of services without replicas: it too only has to store them. */
async function changed(engine: BenchEngine, { path, save }: ManifestFolder): Promise<void> {
  const count = 1_000;
  const sync = await startBenchSync(path);
  const swarm = await startSwarm(engine.socket);
  const deploy = (version: string) =>
    swarm.docker(["stack", "deploy", "--resolve-image", "never", "-c", "-", "bench"], stackOf(count, version));
  try {
    await sync.until(() => deployments(sync).length === count);
    await deploy("0");
    await compare({
      what: `${count} changed files to stored`,
      rounds: Math.min(3, rounds(3)),
      async ours(round) {
        await sleep(1_000);
        const sum = () => deployments(sync).reduce((total, { value }) => total + value.generation, 0);
        const before = sum();
        const begun = performance.now();
        for (let index = 0; index < count; index += 1) await save(index, `changed-${round}`);
        await sync.until(() => sum() === before + count);
        return performance.now() - begun;
      },
      baselines: { "docker stack deploy": (round) => timed(() => deploy(`changed-${round}`)) },
      target: { baseline: "docker stack deploy", atMost: 1 / 1.5 },
    });
  } finally {
    await sync.close();
    await swarm.docker(["stack", "rm", "bench"]);
    await swarm.leave();
  }
}

function stackOf(count: number, version: string): string {
  const service = { image: "orchestra-demo:1", environment: { VERSION: version }, deploy: { replicas: 0 } };
  const names = Array.from({ length: count }, (_, index) => `d${index}`);
  return JSON.stringify({ version: "3.8", services: Object.fromEntries(names.map((name) => [name, service])) });
}

/** A new file beside a thousand others to its running container. The way into the store may take what it takes without one. */
async function running(engine: BenchEngine, { path }: ManifestFolder, storedMs: number): Promise<void> {
  const orchestra = await startBenchOrchestra(engine, process.pid % 250);
  const sync = await startBenchSync(path, orchestra.environment);
  try {
    await sync.until(() => deployments(sync).length === 1_000);
    const samples = { ours: [] as number[], run: [] as number[] };
    for (let round = 0; round < rounds(40); round += 1) {
      await sleep(500);
      const begun = performance.now();
      await writeFile(join(path, ".draft"), manifestOf(`r${round}`, "0", 1));
      await rename(join(path, ".draft"), join(path, `r${round}.yaml`));
      await orchestra.until(
        (pods) => pods.filter(({ phase }) => phase === "running" || phase === "ready").length === round + 1,
      );
      samples.ours.push(performance.now() - begun);
      samples.run.push(await timed(() => dockerRun(engine)));
    }
    const [ours, run] = [quantile(samples.ours, 0.95), quantile(samples.run, 0.95)];
    const baseline = "stored p95 + 1.2 docker run p95";
    const baselines = { "docker run p95": run, [baseline]: storedMs + 1.2 * run };
    const target = { baseline, atMost: 1 };
    const what = "one saved file beside 1000 to running, p95";
    report({ what, unit: "ms", ours, baselines, target, samples: samples.ours });
  } finally {
    await sync.close();
    await orchestra.close();
  }
}

/** As somebody starts it by hand; the container ends with the engine. */
function dockerRun({ socket, network }: BenchEngine): Promise<unknown> {
  return exec("docker", ["-H", `unix://${socket}`, "run", "-d", "--network", network, "orchestra-demo:1"]);
}

/** Whole passes, by the sync's own figures: each woken by a file that is no manifest. */
async function unchanged({ path }: ManifestFolder): Promise<void> {
  const sync = await startBenchSync(path);
  const pass = async () => {
    const before = await sync.passes();
    await writeFile(join(path, "notes.txt"), `${performance.now()}`);
    for (;;) {
      await sleep(50);
      const { count, ms } = await sync.passes();
      if (count > before.count) return (ms - before.ms) / (count - before.count);
    }
  };
  try {
    await sync.until(() => deployments(sync).length === 10_000);
    // What was written just before the first look is read once more.
    await sleep(2_500);
    await pass();
    await compare({
      what: "a pass over 10000 unchanged files",
      rounds: rounds(9),
      async ours() {
        // A folder that takes long to list is left alone for a while.
        await sleep(1_000);
        return pass();
      },
      baselines: { "a bare recursive stat": () => timed(async () => statAll(path)) },
      target: { baseline: "a bare recursive stat", atMost: 1.5 },
    });
  } finally {
    await sync.close();
  }
}

function statAll(folder: string): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) statAll(path);
    else statSync(path);
  }
}

async function idle({ path }: ManifestFolder): Promise<void> {
  const sync = await startBenchSync(path);
  try {
    await sync.until(() => deployments(sync).length === 10_000);
    // The first pass, the look after it, and what they leave behind.
    await sleep(20_000);
    const before = cpuSeconds(sync.pid);
    await sleep(observedSeconds * 1_000);
    const share = (100 * (cpuSeconds(sync.pid) - before)) / observedSeconds;
    report({ what: "idle sync of 10000 files", unit: "% of a core", ours: share, bound: 0.5, samples: [share] });
    const resident = residentMegabytes(sync.pid);
    report({ what: "idle sync of 10000 files", unit: "MB", ours: resident, bound: 150, samples: [resident] });
  } finally {
    await sync.close();
  }
}

await main();
