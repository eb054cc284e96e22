// The roles of one host as processes of their own, as a supervisor runs them: together they are what `up` is, each comes and goes by itself, and
// none runs twice. What runs goes on without any of them and without ZooKeeper, also where the worker has begun anew meanwhile.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { eventually, throughout } from "../support/eventually.ts";
import type { LabProcess } from "../support/lab/host.ts";
import { type Lab, type LabHost, openLab, whyNoLab } from "../support/lab.ts";
import { isSoak, randomOf, roundsOf, seed } from "../support/rounds.ts";

const skip = whyNoLab() ?? false;
const limitMs = 60_000;
/** How often ZooKeeper goes away, and for how long at least. */
const outages = roundsOf({ test: 1, soak: 10 });
const awayMs = isSoak ? 60_000 : 3_000;
const roles = ["master", "worker", "dns"] as const;
type Role = (typeof roles)[number];

let lab: Lab;
let host: LabHost;
const running = new Map<Role, LabProcess>();

before(async () => {
  if (skip) return;
  lab = await openLab({ hosts: 1 });
  host = lab.hosts[0] ?? assert.fail("no host");
  await Promise.all(roles.map(async (role) => running.set(role, await host.start("run", role))));
  await apply(3);
});
after(() => lab?.close());

async function apply(replicas: number): Promise<void> {
  const manifest = lab.write(
    "web.yaml",
    `apiVersion: orchestra/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: ${replicas}
  image: orchestra-demo:1
  imagePullPolicy: Never
  ports: [{ name: http, containerPort: 8080 }]
  readiness: { http: { path: /readyz, port: http } }
  stop: { drainSeconds: 0 }
`,
  );
  const { code, stdout, stderr } = await host.orchestra("apply", "-f", manifest, "--timeout", "90s");
  assert.equal(code, 0, stdout + stderr);
}

function processOf(role: Role): LabProcess {
  return running.get(role) ?? assert.fail(`no ${role}`);
}

async function restart(role: Role): Promise<LabProcess> {
  const next = await host.start("run", role);
  running.set(role, next);
  return next;
}

/** As the engine has them: what each was started for, and when. */
async function containers(): Promise<string[]> {
  const all = await host.docker.listContainers({ filters: { label: ["orchestra.deployment=web"] } });
  const looks = all.map(async ({ Id }) => (await host.docker.getContainer(Id).inspect()).State.StartedAt);
  const since = await Promise.all(looks);
  return all.map(({ Id, Labels }, at) => `${Labels["orchestra.pod"]} ${Id} ${since[at]}`).sort();
}

/** What the host's own CoreDNS answers there, as the engine and its containers may ask it. */
async function addresses(): Promise<string[]> {
  const { code, stdout } = await host.run(process.execPath, "-e", question);
  assert.equal(code, 0, stdout);
  return JSON.parse(stdout) as string[];
}
const question = `const { Resolver } = require("dns/promises"); const resolver = new Resolver({ timeout: 2000, tries: 3 });
resolver.setServers(["127.0.0.1:5300"]);
resolver.resolve4("web.cluster.local").then((all) => console.log(JSON.stringify(all.sort())));`;

/** Of the pods, as the store has them. */
async function ips(): Promise<string[]> {
  return (await lab.pods("web")).flatMap(({ ip }) => ip ?? []).sort();
}

async function namesFollow(count: number): Promise<void> {
  await eventually(
    `the names of ${count} pods`,
    async () => {
      const wanted = await ips();
      return wanted.length === count && (await addresses()).join() === wanted.join();
    },
    limitMs,
  );
}

test("together they run pods and answer their names; a second one of a role is refused, alone and within others", {
  skip,
}, async () => {
  assert.equal((await containers()).length, 3);
  await namesFollow(3);
  const seconds = [...roles.map((role) => ["run", role]), ["run", "dns", "master"], ["up"]];
  for (const { code, stderr } of await Promise.all(seconds.map((words) => host.orchestra(...words)))) {
    assert.equal(code, 3, stderr);
    assert.match(stderr, /^Error: orchestra runs already on this store \(\w+\), as node host-1 \(pid \d+, since /);
  }
  assert.match((await host.orchestra("status")).stdout, /All is well/);
  assert.match((await host.orchestra("down")).stdout, /orchestra run worker goes on here/);
  assert.equal((await containers()).length, 3);
});

test("each role ends and begins again by itself, and what waited for it is done then", { skip }, async () => {
  const before = await containers();
  await processOf("master").end("SIGKILL");
  const scaled = await host.orchestra("scale", "web", "4", "--no-wait");
  assert.equal(scaled.code, 0, scaled.stderr);
  await processOf("dns").end("SIGTERM");
  await restart("master");
  await eventually("a fourth container", async () => (await containers()).length === 4, limitMs);
  assert.equal((await addresses()).length, 3, "names are answered as they were");
  await processOf("worker").end("SIGKILL");
  assert.equal((await host.orchestra("scale", "web", "--reset", "--no-wait")).code, 0);
  await restart("dns");
  await restart("worker");
  await eventually("three containers", async () => (await containers()).join() === before.join(), limitMs);
  await namesFollow(3);
});

test(`while ZooKeeper serves nobody, worker and dns begin anew, and what runs is kept running (${outages}, seed ${seed})`, {
  skip,
}, async () => {
  const servers = lab.zookeeper?.servers ?? [];
  const random = randomOf("ZooKeeper away");
  const pick = <T>(all: readonly T[]) => all[Math.floor(random() * all.length)] ?? assert.fail("nothing to pick from");
  for (let round = 0; round < outages; round += 1) {
    await namesFollow(3);
    const before = await containers();
    const names = await addresses();
    // Without a quorum the last one serves nobody either. Both ways to be gone: closed ports, and connections that nobody answers.
    const victims = servers.toSpliced(Math.floor(random() * 3), Math.floor(random() * 2));
    const frozen = victims.filter(() => random() < 0.5);
    for (const server of frozen) server.freeze();
    await Promise.all(victims.map((server) => !frozen.includes(server) && server.kill()));
    const both = ["worker", "dns"] as const;
    await Promise.all(both.map((role) => processOf(role).end(pick(["SIGKILL", "SIGTERM"]))));
    const [crashed = "", id = ""] = pick(before).split(" ");
    await host.docker.getContainer(id).kill();
    await Promise.all(both.map(restart));
    const isRunning = async () => (await containers()).some((line) => line.startsWith(`${crashed} ${id} `));
    await eventually("what ended runs again, by what the worker's disk has of it", isRunning, limitMs);
    const others = (lines: readonly string[]) => lines.filter((line) => !line.startsWith(crashed));
    await throughout(awayMs, async () => {
      assert.deepEqual(others(await containers()), others(before));
      assert.ok(await isRunning());
      assert.deepEqual(await addresses(), names);
    });
    const { code, stderr } = await host.orchestra("scale", "web", "1");
    assert.equal(code, 1, stderr);
    assert.match(stderr, /^Error: the store zk:\S+ cannot be used now: /m);
    assert.deepEqual(others(await containers()), others(before));
    await Promise.all(victims.map((server) => (frozen.includes(server) ? server.thaw() : server.start())));
    await lab.zookeeper?.leader();
    await eventually(
      "the worker is heard",
      async () => (await host.orchestra("status")).stdout.includes("All is well"),
      limitMs,
    );
    assert.deepEqual(others(await containers()), others(before));
  }
  await apply(4);
  await namesFollow(4);
});
