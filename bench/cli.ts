// The command line: its start beside a bundled oclif hello, and an apply of a thousand manifests beside `docker stack deploy`.
// No engine is needed on our side: nothing runs on the store, so apply ends when all is written.
import { execFileSync } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { benchFolder } from "./bench-ending.ts";
import { startBenchEngine } from "./bench-engine.ts";
import { bundleHello } from "./bench-hello.ts";
import { compare, reportMedians, rounds, timed } from "./bench-measure.ts";
import { program } from "./bench-orchestra.ts";
import { startSwarm } from "./bench-swarm.ts";

const count = rounds(7);

interface Place {
  readonly folder: string;
  readonly environment: NodeJS.ProcessEnv;
}

async function main(): Promise<void> {
  const { folder, remove } = await benchFolder();
  try {
    await start(place(folder, "start"));
    await thousand(folder);
  } finally {
    await remove();
  }
}

function place(folder: string, name: string): Place {
  const own = join(folder, name);
  const environment = {
    ...process.env,
    ORCHESTRA_STATE_DIR: join(own, "state"),
    ORCHESTRA_CACHE_DIR: join(own, "cache"),
    ORCHESTRA_STORE: `file:${join(own, "state", "store.db")}`,
    XDG_CACHE_HOME: join(folder, "compiled"),
  };
  return { folder: own, environment };
}

function orchestra({ environment }: Place, ...words: readonly string[]): string {
  return execFileSync(process.execPath, [program, ...words], {
    env: environment,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    maxBuffer: 64 * 1024 * 1024,
  });
}

async function start(at: Place): Promise<void> {
  const hello = await bundleHello(join(at.folder, "hello"));
  await manifests(join(at.folder, "manifests"), 3);
  orchestra(at, "apply", "-f", join(at.folder, "manifests"));
  await compare({
    what: "orchestra get",
    rounds: 3 * count,
    ours: () => timed(async () => orchestra(at, "get")),
    baselines: {
      hello: () => timed(async () => execFileSync(process.execPath, [hello, "hello"], { stdio: "pipe" })),
    },
    target: { baseline: "hello", atMost: 1.3 },
  });
}

async function thousand(folder: string): Promise<void> {
  const first: number[] = [];
  const cold: number[] = [];
  const warm: number[] = [];
  const files = join(folder, "thousand");
  await manifests(files, 1_000);
  for (let round = 0; round < count; round += 1) {
    const at = place(folder, `thousand-${round}`);
    const apply = async () => orchestra(at, "apply", "-f", files);
    first.push(await timed(apply));
    warm.push(await timed(apply));
    await rm(at.environment["ORCHESTRA_CACHE_DIR"] ?? "", { recursive: true });
    cold.push(await timed(apply));
  }
  const swarm = await stackDeploy(Math.min(3, count));
  const figure = (what: string, ours: number[], baseline: "first" | "again", atMost: number) =>
    reportMedians({ what, ours, baselines: { [baseline]: swarm[baseline] }, target: { baseline, atMost } });
  figure("first apply of 1,000 manifests, against a first docker stack deploy", first, "first", 1 / 1.2);
  figure("apply of 1,000 unchanged manifests, warm, against a second docker stack deploy", warm, "again", 1 / 4);
  figure("apply of 1,000 unchanged manifests, cold, against a second docker stack deploy", cold, "again", 1 / 1.5);

  const many = join(folder, "many");
  await manifests(many, 10_000);
  const at = place(folder, "many-state");
  for (const [what, fewer] of [
    ["first apply of 10,000 manifests, against ten times that of 1,000", first],
    ["apply of 10,000 unchanged manifests, warm, against ten times that of 1,000", warm],
  ] as const) {
    const ours = [await timed(async () => orchestra(at, "apply", "-f", many))];
    const linear = fewer.map((ms) => 10 * ms);
    reportMedians({ what, ours, baselines: { linear }, target: { baseline: "linear", atMost: 1.1 } });
  }
}

/** Services with 0 replicas: what counts is the command, not the containers. */
async function stackDeploy(times: number): Promise<{ first: number[]; again: number[] }> {
  const engine = await startBenchEngine();
  try {
    const swarm = await startSwarm(engine.socket);
    const services = Array.from({ length: 1_000 }, (_, index) =>
      [`  app-${index}:`, "    image: orchestra-demo:1", "    deploy: { replicas: 0 }", "    networks: [hostnet]"].join(
        "\n",
      ),
    );
    const file = join(engine.folder, "stack.yaml");
    await writeFile(
      file,
      `version: "3.8"\nservices:\n${services.join("\n")}\nnetworks:\n  hostnet: { external: true, name: host }\n`,
    );
    const deploy = () => swarm.docker(["stack", "deploy", "--resolve-image", "never", "-c", file, "bench"]);
    const first: number[] = [];
    const again: number[] = [];
    for (let round = 0; round < times; round += 1) {
      first.push(await timed(deploy));
      again.push(await timed(deploy));
      await swarm.docker(["stack", "rm", "bench"]);
    }
    await swarm.leave();
    return { first, again };
  } finally {
    await engine.close();
  }
}

async function manifests(folder: string, many: number): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (let index = 0; index < many; index += 1) {
    await writeFile(
      join(folder, `app-${index}.yaml`),
      `apiVersion: orchestra/v1
kind: Deployment
metadata:
  name: app-${index}
  labels: { team: shop }
spec:
  replicas: 0
  image: orchestra-demo:1
  env: { MODE: prod, NUMBER: "${index}" }
  ports: [{ name: http, containerPort: 8080 }]
  resources: { cpu: 250m, memory: 128Mi }
  readiness: { http: { path: /readyz, port: http } }
`,
    );
  }
}

await main();
