// What people do to the networks of a running worker by hand.
import assert from "node:assert/strict";
import { test } from "node:test";
import { eventually } from "../../support/eventually.ts";
import { all, workerLab } from "../../support/worker-lab.ts";

const { signal } = new AbortController();

test("a network that was removed by hand is made again, for new containers and for those that were in it", async (t) => {
  const lab = await workerLab(t);
  let creations = 0;
  const create = lab.runtime.create.bind(lab.runtime);
  lab.runtime.create = (...args) => {
    creations += 1;
    return create(...args);
  };
  await lab.start();
  await lab.place("web", {}, 1);
  const [first] = await lab.until("ready", all(1, "ready"));
  const network = lab.docker.getNetwork(`orchestra-${lab.cluster}`);
  await network.disconnect({ Container: first?.container ?? "", Force: true });
  await network.remove();
  await lab.place("late", {}, 1);
  const now = await lab.until(
    "both ready, the first one anew",
    (pods) => all(2, "ready")(pods) && pods.every(({ container }) => container !== first?.container),
  );
  assert.ok(now.every(({ ip }) => ip !== undefined));
  assert.ok(creations < 10, `created ${creations} times`);
});

test("a container that was taken out of the network by hand is made anew at once, not with the next listing", async (t) => {
  const lab = await workerLab(t);
  await lab.start();
  await lab.place("web", {}, 1);
  const [first] = await lab.until("ready", all(1, "ready"));
  const network = lab.docker.getNetwork(`orchestra-${lab.cluster}`);
  await network.disconnect({ Container: first?.container ?? "", Force: true });
  const [now] = await lab.until(
    "another container",
    (pods) => pods[0]?.phase === "ready" && pods[0].container !== first?.container,
    30_000,
  );
  assert.notEqual(now?.ip, undefined);
});

test("a network that was removed while nothing was in it is made again at once, as it was", async (t) => {
  const lab = await workerLab(t);
  await lab.start();
  const network = lab.docker.getNetwork(`orchestra-${lab.cluster}`);
  const { Id: first, IPAM: range } = await network.inspect();
  await network.remove();
  // Well before the next listing, which would find it missing too.
  const again = await eventually("it is there again", () => network.inspect().catch(() => undefined), 20_000);
  assert.notEqual(again.Id, first);
  assert.deepEqual(again.IPAM, range);
});

test("the address of a container is the one in the node's network, whatever else it was connected to by hand", async (t) => {
  const lab = await workerLab(t);
  await lab.start();
  await lab.place("web", {}, 1);
  const [pod] = await lab.until("ready", all(1, "ready"));
  await lab.docker.getNetwork("bridge").connect({ Container: pod?.container ?? "" });
  const [listed] = await lab.runtime.list(signal);
  const inspected = await lab.runtime.inspect(listed?.id ?? "", signal);
  assert.deepEqual([listed?.ip, inspected.ip], [pod?.ip, pod?.ip]);
});
