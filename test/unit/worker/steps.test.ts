// What becomes of a pod whose step the engine leaves without an answer, and of its neighbours.
import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "../../../src/log.ts";
import { OrchestraError } from "../../../src/model/errors.ts";
import { resolveTemplate } from "../../../src/model/template.ts";
import { decide, type Step } from "../../../src/worker/decide.ts";
import { newMemory } from "../../../src/worker/history.ts";
import { openMemory } from "../../../src/worker/memory.ts";
import { type Runtime, unanswered } from "../../../src/worker/runtime.ts";
import { openSteps } from "../../../src/worker/steps.ts";
import { PodTable } from "../../../src/worker/table.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { container, placement } from "../../support/pod-views.ts";

const template = resolveTemplate({ image: "demo:1" });
const created = container({ state: "created" });

/** A table with the pod p1, and steps that reach an engine which throws `error` where it is asked for this. */
function failing(method: "start" | "inspect" | "exec", error?: Error) {
  const clock = fakeClock();
  const table = new PodTable({ recall: () => newMemory, sinceOf: () => 0, onCrash: () => {} });
  table.place([placement], () => template, true, 0);
  const told: string[] = [];
  const runtime: Runtime = Object.assign(openMemory(new Map(), clock), {
    // Without an error it hangs until it is given up.
    [method]: async (...request: unknown[]) => {
      if (error) throw error;
      const signal = request.at(-1) as AbortSignal;
      await new Promise((_resolve, reject) => signal.addEventListener("abort", () => reject(new Error("given up"))));
    },
  });
  const steps = openSteps({
    runtime,
    table,
    clock,
    log: silentLog,
    network: () => assert.fail("nothing is created"),
    wake: () => {},
    onEnd: async () => {},
    onSilence: () => told.push("silence"),
    onSlow: () => told.push("slow"),
    onEngineError: () => told.push("engine error"),
    onRefusal: (pod, { code, message }) => told.push(`${pod} ${code}: ${message}`),
    signal: new AbortController().signal,
  });
  const perform = async (step: Step) => {
    steps.begin(step);
    await steps.idle();
  };
  return { table, clock, told, perform, view: () => table.views()[0] ?? assert.fail() };
}

test("a start that is not answered in time is a refusal of that pod with a reason and a back-off, and no silence", async () => {
  const { table, told, perform, view } = failing("start", unanswered(60_000));
  table.created("p1", created);
  await perform({ do: "start", pod: "p1", container: created.id });
  const message =
    "the engine did not answer its start for 60 s; tried again: see the engine's log (journalctl -u docker)";
  assert.deepEqual(told, ["slow", `p1 ENGINE_ERROR: ${message}`]);
  const { refusal } = view().memory;
  assert.deepEqual([refusal?.reason.message, refusal?.attempts, refusal?.notBefore], [message, 1, 1_000]);
  await perform({ do: "start", pod: "p1", container: created.id });
  assert.equal(view().memory.refusal?.attempts, 2, "it counts on");
});

test("a connection that breaks is the silence of the engine, and refuses no pod", async () => {
  const { table, told, perform, view } = failing("start", new OrchestraError("unavailable", "connect ENOENT"));
  table.created("p1", created);
  await perform({ do: "start", pod: "p1", container: created.id });
  assert.deepEqual([told, view().memory.refusal], [["silence"], undefined]);
});

test("a look that is not answered is tried again after its back-off, and what it was refused is over with an answer", async () => {
  const { table, clock, perform, view } = failing("inspect", unanswered(60_000));
  const running = container();
  table.created("p1", running);
  table.looked("p1", running, table.asOf, 0);
  table.event({ kind: "changed", container: running.id, to: "health" }, 0);
  const next = () => decide([view()], clock.now(), 8);
  const [look] = next().steps;
  assert.equal(look?.do, "look");
  await perform(look ?? assert.fail());
  assert.deepEqual([next().steps, next().nextAt <= 1_000], [[], true]);
  await clock.advance(1_000);
  assert.equal(next().steps[0]?.do, "look");
  table.looked("p1", running, table.asOf, clock.now());
  assert.equal(view().memory.refusal, undefined);
});

for (const { name, error, want } of [
  { name: "hangs", error: undefined, want: { told: ["slow"], failures: 1 } },
  {
    name: "is gone",
    error: new OrchestraError("unavailable", "connect ENOENT"),
    want: { told: ["silence"], failures: 0 },
  },
]) {
  test(`a command that probes by way of an engine that ${name} has whoever listens ask whether it answers`, async () => {
    const { table, told, perform, view } = failing("exec", error);
    const running = container();
    table.created("p1", running);
    table.looked("p1", running, table.asOf, 0);
    const { readiness } = resolveTemplate({ image: "demo:1", readiness: { exec: { command: ["x"] } } });
    const probe = { ...(readiness ?? assert.fail()), timeoutMs: 20 };
    await perform({
      do: "probe",
      pod: "p1",
      container: running.id,
      kind: "readiness",
      probe,
      ip: "10.42.0.2",
      since: 0,
    });
    assert.deepEqual({ told, failures: view().memory.run?.readiness.failures }, want);
  });
}
