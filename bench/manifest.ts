// How long manifests take to load: cold, and warm with results kept by content, beside a bare parse of the same files.
// Each sample is a process of its own, as a command is; the time is that from its first line to the manifests.
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { benchFolder } from "./bench-ending.ts";
import { median, report, rounds, timed } from "./bench-measure.ts";

const run = promisify(execFile);
const counts = [1_000, 10_000];

const [mode, folder = "", cacheDir] = process.argv.slice(2);
if (mode === "load" || mode === "parse") process.stdout.write(String(await timed(mode === "load" ? load : parse)));
else await main();

/** The sample: everything that a command does before it has the manifests. */
async function load(): Promise<void> {
  const { loadManifests } = await import("../src/manifest/manifest.ts");
  await loadManifests([folder], cacheDir === undefined ? {} : { cacheDir });
}

/** The baseline: the package's own way from text to values, without checks and places. */
async function parse(): Promise<void> {
  const { parse } = await import("yaml");
  for (const name of await readdir(folder)) parse(await readFile(join(folder, name), "utf8"));
}

async function main(): Promise<void> {
  const { folder: root, remove } = await benchFolder();
  try {
    const perManifest = new Map<string, number>();
    for (const count of counts) {
      const set = await writeSet(join(root, String(count)), count);
      const cache = join(root, `cache-${count}`);
      await sample("load", set, cache);
      const figures = { parse: [] as number[], cold: [] as number[], warm: [] as number[] };
      for (let round = 0; round < rounds(5); round += 1) {
        figures.parse.push(await sample("parse", set));
        figures.cold.push(await sample("load", set));
        figures.warm.push(await sample("load", set, cache));
      }
      const baselines = { "yaml parse alone": median(figures.parse) };
      for (const kind of ["cold", "warm"] as const) {
        const ours = median(figures[kind]);
        perManifest.set(`${kind}-${count}`, ours / count);
        const what = `load ${count} manifests, ${kind}`;
        report({ what, unit: "ms", ours, baselines, samples: figures[kind], ...boundOf(kind, count) });
      }
    }
    for (const kind of ["cold", "warm"]) {
      const [few = Number.NaN, many = Number.NaN] = counts.map((count) => perManifest.get(`${kind}-${count}`));
      const baselines = { "each of the fewer": few };
      const target = { baseline: "each of the fewer", atMost: 1.2 };
      report({ what: `load each of 10000, ${kind}`, unit: "ms", ours: many, baselines, target, samples: [many] });
    }
  } finally {
    await remove();
  }
}

function boundOf(kind: "cold" | "warm", count: number) {
  return kind === "warm" && count === 1_000 ? { bound: 150 } : {};
}

async function sample(...args: readonly string[]): Promise<number> {
  const { stdout } = await run(process.execPath, [import.meta.filename, ...args]);
  return Number(stdout);
}

/** Thirty lines each, no two alike. */
async function writeSet(folder: string, count: number): Promise<string> {
  await mkdir(folder);
  for (let index = 0; index < count; index += 1) await writeFile(join(folder, `app-${index}.yaml`), manifest(index));
  return folder;
}

function manifest(index: number): string {
  return `apiVersion: orchestra/v1
kind: Deployment
metadata:
  name: app-${index}
  labels:
    team: shop
  annotations:
    owner: ann
spec:
  replicas: 3
  image: registry.example:5000/shop/app:${index}
  env:
    MODE: prod
    PORT: "8080"
    INDEX: "${index}"
  ports:
    - name: http
      containerPort: 8080
  resources:
    cpu: 250m
    memory: 128Mi
    pids: 200
  readiness:
    http:
      path: /ready
      port: http
  liveness:
    tcp:
      port: http
  stop:
    graceSeconds: 20
`;
}
