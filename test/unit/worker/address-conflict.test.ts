// Two containers with one address, and other doubts about a container's network: looked at again, and made anew only where it is certain.
import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveTemplate } from "../../../src/model/template.ts";
import { decide } from "../../../src/worker/decide.ts";
import { newMemory, probed } from "../../../src/worker/history.ts";
import type { ContainerState } from "../../../src/worker/runtime.ts";
import { PodTable } from "../../../src/worker/table.ts";
import { container, placement } from "../../support/pod-views.ts";

const template = resolveTemplate({ image: "demo:1", readiness: { tcp: { port: 80 }, failureThreshold: 1 } });
const callsAtATime = 8;

/** Pods that run in these containers, and what is decided of them other than probes. */
function running(...containers: readonly ContainerState[]) {
  const reasons = new Map<string, string | undefined>();
  const table = new PodTable({
    recall: () => newMemory,
    sinceOf: () => 0,
    onCrash: ({ pod }, _placement, { lastEnd }) => reasons.set(pod, lastEnd?.reason.message),
  });
  const placements = containers.map(({ pod }, slot) => ({ ...placement, pod, slot }));
  table.place(placements, () => template, true, 0);
  const look = (seen: ContainerState, now: number) => table.looked(seen.pod, seen, table.asOf, now);
  for (const each of containers) {
    table.created(each.pod, each);
    look(each, 0);
  }
  const steps = (now: number) => {
    table.settle(now);
    return decide(table.views(), now, callsAtATime)
      .steps.filter((step) => step.do !== "probe")
      .map((step) => `${step.do} ${step.pod}`);
  };
  const probe = (pod: string, ok: boolean, now: number) =>
    table.update(pod, (memory) =>
      template.readiness ? probed(memory, "readiness", template.readiness, { ok, message: "refused" }, now) : memory,
    );
  return { table, look, steps, probe, reasons };
}

const first = container();
const second = container({ id: "c2", pod: "p2" });
const other = container({ id: "c3", pod: "p3", ip: "10.42.0.3" });

test("two containers that keep one address are both made anew, and say why", () => {
  const { table, look, steps, reasons } = running(first, second, other);
  assert.deepEqual(steps(100), ["look p1", "look p2"]);
  look(first, 101);
  look(second, 102);
  assert.deepEqual(steps(5_099), []);
  assert.ok(decide(table.views(), 5_099, callsAtATime).nextAt <= 5_100);
  assert.deepEqual(steps(5_100), ["remove p1", "remove p2"]);
  table.gone("p1", 5_101);
  // It no longer shares its address with anybody; but its own removal has been decided.
  table.settle(5_101);
  table.gone("p2", 5_102);
  assert.match(reasons.get("p1") ?? "", /address 10\.42\.0\.2 to another container/);
  assert.equal(reasons.get("p2"), reasons.get("p1"));
  assert.deepEqual(steps(5_103), ["create p1", "create p2"]);
});

test("an address that one container has left and another one has got is shared by nobody", () => {
  const { look, steps } = running(first, second);
  assert.deepEqual(steps(100), ["look p1", "look p2"]);
  look({ ...first, ip: "10.42.0.9" }, 101);
  look(second, 102);
  assert.deepEqual(steps(6_000), []);
});

test("a pod that is no longer ready is looked at once, and made anew only where its address has gone", () => {
  const { look, steps, probe } = running(first, other);
  for (const { pod } of [first, other]) probe(pod, true, 10);
  assert.deepEqual(steps(11), []);
  for (const { pod } of [first, other]) probe(pod, false, 20);
  assert.deepEqual(steps(21), ["look p1", "look p3"]);
  const { ip: _gone, ...cutOff } = first;
  look(cutOff, 22);
  look(other, 23);
  assert.deepEqual(steps(24), ["remove p1"]);
});

test("a pod that does not get ready is left alone, however long", () => {
  const { steps, probe } = running(first);
  for (const now of [10, 1_000, 1_000_000]) {
    probe("p1", false, now);
    assert.deepEqual(steps(now), []);
  }
});
