// What people do to the networks of a running worker by hand.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { promisify } from "node:util";
import type { PodStatus } from "../../../src/model/pod.ts";
import type { ContainerState } from "../../../src/worker/runtime.ts";
import { eventually } from "../../support/eventually.ts";
import { all, workerLab } from "../../support/worker-lab.ts";

const { signal } = new AbortController();
const run = promisify(execFile);
const asRoot = { skip: process.getuid?.() === 0 ? false : "only root can enter a container's network" };

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

test(
  "a container that has lost its interface is made anew, and one that only fails its probe is not",
  asRoot,
  async (t) => {
    const lab = await workerLab(t);
    await lab.start();
    const [web] = await lab.place("web", { readiness: { tcp: { port: 8080 }, failureThreshold: 1 } }, 1);
    const [deaf] = await lab.place("deaf", { readiness: { tcp: { port: 8081 }, failureThreshold: 1 } }, 1);
    const found = (pods: readonly PodStatus[]) => [web, deaf].map((of) => pods.find(({ pod }) => pod === of?.pod));
    const before = await lab.until("one is ready, one is not", (pods) => {
      const [ready, not] = found(pods);
      return ready?.phase === "ready" && not?.reason?.code === "NOT_READY";
    });
    const [wasReady, wasNot] = found(before);
    const { State } = await lab.docker.getContainer(wasReady?.container ?? "").inspect();
    await run("nsenter", ["-t", String(State.Pid), "-n", "ip", "link", "delete", "eth0"]);
    const after = await lab.until("it is ready again, in another container", (pods) => {
      const [again] = found(pods);
      return again?.phase === "ready" && again.container !== wasReady?.container;
    });
    const [again, isNot] = found(after);
    assert.match(again?.reason?.message ?? "", /lost its network/);
    assert.deepEqual([isNot?.container, isNot?.restarts], [wasNot?.container, 0]);
  },
);

test("two containers that the engine has given one address are both made anew, and no other one", async (t) => {
  const lab = await workerLab(t);
  /** What the engine gets wrong; nobody can make a real one do so at will. */
  const wrong = new Map<string, string>();
  const told = (state: ContainerState): ContainerState => {
    const ip = wrong.get(state.id);
    return ip === undefined ? state : { ...state, ip };
  };
  const { runtime } = lab;
  const [list, inspect] = [runtime.list.bind(runtime), runtime.inspect.bind(runtime)];
  runtime.list = async (...args) => (await list(...args)).map(told);
  runtime.inspect = async (...args) => told(await inspect(...args));
  await lab.start();
  await lab.place("web", {}, 3);
  const before = await lab.until("ready", all(3, "ready"));
  const [one, two] = before;
  const { Id } = await lab.docker.getContainer(two?.container ?? "").inspect();
  wrong.set(Id, one?.ip ?? "");
  // Something happens to it, so that it is looked at.
  await lab.docker.getContainer(Id).pause();
  await lab.docker.getContainer(Id).unpause();
  const after = await lab.until(
    "both are ready in other containers",
    (pods) => all(3, "ready")(pods) && [0, 1].every((at) => pods[at]?.container !== before[at]?.container),
  );
  assert.deepEqual(
    after.map(({ restarts }) => restarts),
    [1, 1, 0],
  );
  assert.match(after[0]?.reason?.message ?? "", /to another container as well/);
  assert.equal(after[2]?.container, before[2]?.container);
});
