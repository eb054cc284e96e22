// Hosts that go, in the lab: their pods come up elsewhere, no twin remains when they are back, and when most are gone nothing is touched.
// What the engines ran and what the store was told are both recorded, and held against each other in the end.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { verdictsKey } from "../../src/model/keys.ts";
import { eventually, throughout } from "../support/eventually.ts";
import { brokenLaws } from "../support/history-laws.ts";
import { type RunsRecord, recordRuns } from "../support/lab/runs.ts";
import { type Lab, type LabHost, openLab, whyNoLab } from "../support/lab.ts";
import { isSoak, randomOf, roundsOf, seed } from "../support/rounds.ts";
import { readHistory } from "../support/zookeeper-history.ts";

const skip = whyNoLab() ?? false;
/** Session and grace are nine seconds; the rest is a machine under load. */
const limitMs = 60_000;
const rounds = roundsOf({ test: 2, soak: 20 });
/** How long a host is lost at least. */
const lossMs = isSoak ? 60_000 : 1;
const filters = { label: ["orchestra.deployment=web"] };

let lab: Lab;
let records: RunsRecord[] = [];

before(async () => {
  if (skip) return;
  lab = await openLab({ hosts: 3 });
  records = await Promise.all(lab.hosts.map(recordRuns));
  await Promise.all(lab.hosts.map((host) => host.start("up")));
  const manifest = lab.write(
    "web.yaml",
    `apiVersion: orchestra/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 6
  image: orchestra-demo:1
  imagePullPolicy: Never
  ports: [{ name: http, containerPort: 8080 }]
  stop: { drainSeconds: 0 }
`,
  );
  const { code, stderr } = await hostAt(0).orchestra("apply", "-f", manifest, "--timeout", "90s");
  assert.equal(code, 0, stderr);
});
after(async () => {
  for (const record of records) record.close();
  await lab?.close();
});

function hostAt(index: number): LabHost {
  return lab.hosts[index] ?? assert.fail(`no host ${index}`);
}

/** Pods that are ready there now, by the name of their host. */
async function readyOn(hosts: readonly LabHost[]): Promise<number> {
  const names = new Set(hosts.map(({ name }) => name));
  return (await lab.pods("web")).filter(({ node, ready, live }) => ready && live && names.has(node ?? "")).length;
}

/** As its engine has them. */
async function containersOn(host: LabHost): Promise<number> {
  return (await host.docker.listContainers({ filters })).length;
}

const verdict = async (host: LabHost) => (await (await lab.store()).read(verdictsKey))?.value.nodes[host.name]?.state;

type Loss = "cut off" | "frozen";

/** Runs its course on one of the hosts, with a change of the Deployment meanwhile; resolves with how many pods there should be when it is over. */
async function loseFor(ms: number, loss: Loss, victim: LabHost, random: () => number): Promise<number> {
  const others = lab.hosts.filter((host) => host !== victim);
  const before = await containersOn(victim);
  const count = 4 + Math.floor(random() * 3);
  if (loss === "frozen") victim.pause();
  else await victim.cut();
  try {
    const lost = performance.now();
    const { code, stderr } = (await others[0]?.orchestra("scale", "web", `${count}`, "--no-wait")) ?? {};
    assert.equal(code, 0, stderr);
    if (ms > 0) {
      await eventually("it is given up", async () => (await verdict(victim)) === "lost", limitMs);
      await eventually("all pods elsewhere", async () => (await readyOn(others)) === count, limitMs);
    }
    await throughout(ms - (performance.now() - lost), async () => {
      if (loss === "cut off") assert.equal(await containersOn(victim), before, "blind, it stops nothing");
    });
  } finally {
    if (loss === "frozen") victim.resume();
    else await victim.heal();
  }
  return count;
}

/** Each of these many pods has one container in all engines together, and there are no others. */
async function noTwins(count: number, context: string): Promise<void> {
  const found = async () => {
    const all = await Promise.all(lab.hosts.map((host) => host.docker.listContainers({ filters })));
    return all.flat().map(({ Labels }) => Labels["orchestra.pod"] ?? "");
  };
  const isSo = async () => {
    const [containers, pods] = [await found(), await lab.pods("web")];
    const wanted = pods.map(({ id }) => id).sort();
    return pods.length === count && pods.every(({ ready }) => ready) && containers.sort().join() === wanted.join();
  };
  await eventually(`${count} pods, each once (${context})`, isSo, limitMs);
  const present = async () => (await Promise.all(lab.hosts.map(verdict))).every((is) => is === "present");
  await eventually(`all present (${context})`, present, limitMs);
}

test(`hosts are cut off and frozen: their pods come up elsewhere, they run on, and no twin remains (${rounds} rounds, seed ${seed})`, {
  skip,
}, async () => {
  const random = randomOf("lost hosts");
  for (let round = 0; round < rounds; round += 1) {
    const victim = hostAt(Math.floor(random() * 3));
    const loss = round % 2 === 0 ? "cut off" : "frozen";
    // Every fourth time it is back before anybody has missed it, or while they do.
    const ms = round % 4 === 3 ? 0 : lossMs;
    const context = `round ${round}: ${victim.name} ${loss} for ${ms} ms, seed ${seed}`;
    await noTwins(await loseFor(ms, loss, victim, random), context);
  }
  const { code, stderr } = await hostAt(0).orchestra("scale", "web", "--reset", "--timeout", "60s");
  assert.equal(code, 0, stderr);
  await noTwins(6, `seed ${seed}`);
});

test("two hosts of three are cut off: nothing is moved or stopped, and it is as before when they are back", {
  skip,
}, async () => {
  const before = (await lab.pods("web")).map(({ id }) => id).sort();
  const [one, two, three] = [hostAt(0), hostAt(1), hostAt(2)];
  await Promise.all([two.cut(), three.cut()]);
  const hold = async () => (await (await lab.store()).read(verdictsKey))?.value.hold;
  assert.match((await eventually("a hold", hold, limitMs)).reason, /^2 of 3 nodes are absent/);
  assert.match((await one.orchestra("status")).stdout, /^Hold: /m);
  // Longer than it takes to be lost without a hold.
  const since = Date.parse((await hold())?.since ?? "");
  await eventually("the grace is over", () => Date.now() - since > 7_000);
  assert.deepEqual(await Promise.all([two, three].map(verdict)), ["absent", "absent"]);
  await Promise.all([two.heal(), three.heal()]);
  await eventually("no hold", async () => (await hold()) === undefined, limitMs);
  await eventually(
    "all present",
    async () => (await Promise.all(lab.hosts.map(verdict))).every((is) => is === "present"),
    limitMs,
  );
  assert.deepEqual((await lab.pods("web")).map(({ id }) => id).sort(), before);
});

test("a host without power is forgotten, and begins anew when it is back", { skip }, async () => {
  const [one, two] = [hostAt(0), hostAt(1)];
  await two.kill();
  await eventually("lost", async () => (await verdict(two)) === "lost", limitMs);
  const { code, stderr } = await one.orchestra("nodes", "forget", two.name, "--yes");
  assert.equal(code, 0, stderr);
  await eventually("six pods elsewhere", async () => (await readyOn([one, hostAt(2)])) === 6, limitMs);
  await two.boot();
  await records[1]?.restart();
  await two.start("up");
  await eventually("present", async () => (await verdict(two)) === "present", limitMs);
  await eventually("nothing of before", async () => (await containersOn(two)) === 0, limitMs);
  assert.equal((await lab.pods("web")).length, 6);
});

test("all the time no pod ran twice, none that nobody wanted, never too many, and their name was answered", {
  skip,
}, () => {
  const history = readHistory(join(lab.zookeeper?.folder ?? "", "1", "data"));
  const ran = records.flatMap((record) => record.ran());
  assert.ok(ran.length > 6, "nothing was seen to run");
  assert.deepEqual(brokenLaws(history, "/orchestra", ran), [], `seed ${seed}`);
});
