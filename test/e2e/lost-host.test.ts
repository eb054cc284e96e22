// Hosts that go, in the lab: their pods come up elsewhere, no twin remains when they are back, and when most are gone nothing is touched.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { verdictsKey } from "../../src/model/keys.ts";
import { eventually } from "../support/eventually.ts";
import { type Lab, type LabHost, openLab, whyNoLab } from "../support/lab.ts";

const skip = whyNoLab() ?? false;
/** Session and grace are nine seconds; the rest is a machine under load. */
const limitMs = 60_000;

let lab: Lab;

before(async () => {
  if (skip) return;
  lab = await openLab({ hosts: 3 });
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
after(() => lab?.close());

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
  return (await host.docker.listContainers({ filters: { label: ["orchestra.deployment=web"] } })).length;
}

const verdict = async (host: LabHost) => (await (await lab.store()).read(verdictsKey))?.value.nodes[host.name]?.state;

test("a host that is cut off: its pods come up elsewhere, it runs on, and no twin remains when it is back", {
  skip,
}, async () => {
  const [one, two, three] = [hostAt(0), hostAt(1), hostAt(2)];
  assert.deepEqual(await Promise.all(lab.hosts.map(containersOn)), [2, 2, 2]);
  await three.cut();
  await eventually("six pods elsewhere", async () => (await readyOn([one, two])) === 6, limitMs);
  assert.equal(await verdict(three), "lost");
  assert.equal(await containersOn(three), 2, "blind, it stops nothing");
  await three.heal();
  await eventually("no twin", async () => (await containersOn(three)) === 0, limitMs);
  await eventually("present", async () => (await verdict(three)) === "present", limitMs);
  await eventually("six pods in all", async () => (await lab.pods("web")).length === 6, limitMs);
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
  await two.start("up");
  await eventually("present", async () => (await verdict(two)) === "present", limitMs);
  await eventually("nothing of before", async () => (await containersOn(two)) === 0, limitMs);
  assert.equal((await lab.pods("web")).length, 6);
});
