// What the worker does next, rule by rule.
import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveTemplate } from "../../../src/model/template.ts";
import { decide, type PodView, type Step } from "../../../src/worker/decide.ts";
import { crashed, newMemory, type PodMemory, probed, refused, started } from "../../../src/worker/history.ts";
import { container, placement, stray, view } from "../../support/pod-views.ts";

const stopped = { ...placement, stop: { reason: "rollout" as const } };
const running = started(newMemory, container(), 1_000);
const wasReady = { ...running, everReady: true };
const ports = [{ name: "http", containerPort: 80 }];
const stop = (seenAt: number, signalledAt?: number) => ({
  stop: { seenAt, ...(signalledAt === undefined ? {} : { signalledAt }) },
});
const missing = { ...newMemory, imageMissing: true };
const refusal = (final: boolean) =>
  refused(newMemory, { reason: { code: "PORT_TAKEN", message: "taken" }, final }, 5_000);
const failing = { ok: false, message: "no" };
const liveness = { tcp: { port: 80 }, failureThreshold: 1 };
const livenessProbe = resolveTemplate({ image: "x", liveness }).liveness ?? fail();
const ending = probed(running, "liveness", livenessProbe, failing, 2_000);

function fail(): never {
  throw new Error("a probe was expected");
}

interface Case {
  readonly name: string;
  readonly pod: PodView;
  readonly now?: number;
  readonly want: readonly string[];
  /** When to look again. */
  readonly at?: number;
}

const cases: readonly Case[] = [
  { name: "creates a container where there is none", pod: view(), want: ["create"] },
  {
    name: "does not pull before the engine has said that the image is missing",
    pod: view({ memory: missing }),
    want: ["pull"],
  },
  { name: "pulls first with policy Always", pod: view({ template: { imagePullPolicy: "Always" } }), want: ["pull"] },
  {
    name: "creates after the pull",
    pod: view({ template: { imagePullPolicy: "Always" }, memory: { ...newMemory, imagePulled: true } }),
    want: ["create"],
  },
  {
    name: "never pulls with policy Never",
    pod: view({ template: { imagePullPolicy: "Never" }, memory: missing }),
    want: ["create"],
  },
  { name: "starts what was created", pod: view({ container: container({ state: "created" }) }), want: ["start c1"] },
  { name: "looks at what may have changed", pod: view({ container: container(), stale: true }), want: ["look c1"] },
  {
    name: "makes a container anew that has lost its network",
    pod: view({ container: { id: "c1", ...placement, state: "running" } }),
    want: ["remove c1"],
  },
  { name: "does nothing while a step is under way", pod: view({ busy: "create" }), want: [] },
  {
    name: "does nothing without the template",
    pod: { ...view(), template: undefined } as unknown as PodView,
    want: [],
  },
  { name: "waits after a refusal", pod: view({ memory: refusal(false) }), now: 5_500, want: [], at: 6_000 },
  { name: "tries again after that", pod: view({ memory: refusal(false) }), now: 6_000, want: ["create"] },
  { name: "gives up on a final refusal", pod: view({ memory: refusal(true) }), now: 99_000, want: [] },
  {
    name: "makes a container anew that the engine cannot start",
    pod: view({ container: container({ state: "created" }), memory: stuck() }),
    now: 99_000,
    want: ["remove c1"],
  },
  {
    name: "starts the new one, whatever was refused to the old one",
    pod: view({ container: container({ id: "c2", state: "created" }), memory: stuck() }),
    now: 99_000,
    want: ["start c2"],
  },
  {
    name: "restarts the first crash at once",
    pod: view({ container: container({ state: "exited" }), memory: crash(1) }),
    now: 2_000,
    want: ["start c1"],
  },
  {
    name: "waits before the second restart",
    pod: view({ container: container({ state: "exited" }), memory: crash(2) }),
    now: 2_000,
    want: [],
    at: 3_000,
  },
  {
    name: "makes a removed container again",
    pod: view({ memory: crash(1) }),
    now: 2_000,
    want: ["create"],
  },
  {
    name: "does not act on a stop that it has not seen on a fresh view",
    pod: view({ placement: stopped, container: container(), memory: running }),
    want: [],
    at: 1_100,
  },
  {
    name: "starts nothing that must stop",
    pod: view({ placement: stopped, container: container({ state: "exited" }) }),
    want: [],
  },
  {
    name: "drains a pod that was ready",
    pod: view({
      placement: stopped,
      template: { ports },
      container: container(),
      memory: { ...wasReady, ...stop(10_000) },
    }),
    now: 11_000,
    want: [],
    at: 13_000,
  },
  {
    name: "signals after the drain",
    pod: view({
      placement: stopped,
      template: { ports },
      container: container(),
      memory: { ...wasReady, ...stop(10_000) },
    }),
    now: 13_000,
    want: ["signal SIGTERM"],
  },
  {
    name: "does not drain what was never ready",
    pod: view({
      placement: stopped,
      template: { ports },
      container: container(),
      memory: { ...running, ...stop(10_000) },
    }),
    now: 10_000,
    want: ["signal SIGTERM"],
  },
  {
    name: "does not drain on delete",
    pod: view({
      placement: { ...placement, stop: { reason: "delete" } },
      template: { ports },
      container: container(),
      memory: { ...wasReady, ...stop(10_000) },
    }),
    now: 10_000,
    want: ["signal SIGTERM"],
  },
  {
    name: "drains on delete where the manifest says so",
    pod: view({
      placement: { ...placement, stop: { reason: "delete" } },
      template: { ports, stop: { drainSeconds: 2 } },
      container: container(),
      memory: { ...wasReady, ...stop(10_000) },
    }),
    now: 10_000,
    want: [],
    at: 12_000,
  },
  {
    name: "waits for the grace",
    pod: view({ placement: stopped, container: container(), memory: { ...running, ...stop(10_000, 10_100) } }),
    now: 11_000,
    want: [],
    at: 20_100,
  },
  {
    name: "removes by force after the grace",
    pod: view({ placement: stopped, container: container(), memory: { ...running, ...stop(10_000, 10_100) } }),
    now: 20_100,
    want: ["remove c1"],
  },
  {
    name: "removes what has ended",
    pod: view({
      placement: stopped,
      container: container({ state: "exited" }),
      memory: { ...running, ...stop(10_000, 10_100) },
    }),
    now: 10_200,
    want: ["remove c1"],
  },
  {
    name: "ends a stray with the usual signal",
    pod: stray({ container: container(), memory: { ...newMemory, ...stop(10_000) } }),
    now: 10_000,
    want: ["signal SIGTERM"],
  },
  { name: "leaves a stray alone on a view that is not fresh", pod: stray({ container: container() }), want: [] },
  {
    name: "asks a probe that is due",
    pod: view({ template: { readiness: { tcp: { port: 80 } } }, container: container(), memory: running }),
    now: 1_000,
    want: ["probe readiness"],
    at: 2_000,
  },
  {
    name: "does not ask twice at a time",
    pod: view({
      template: { readiness: { tcp: { port: 80 } } },
      container: container(),
      memory: running,
      probing: new Set(["readiness"]),
    }),
    now: 1_000,
    want: [],
    at: 2_000,
  },
  {
    name: "waits for the initial delay",
    pod: view({
      template: { liveness: { tcp: { port: 80 }, initialDelaySeconds: 5 } },
      container: container(),
      memory: running,
    }),
    now: 1_200,
    want: [],
    at: 6_000,
  },
  {
    name: "signals what is no longer alive",
    pod: view({ template: { liveness }, container: container(), memory: ending }),
    now: 2_000,
    want: ["signal SIGTERM"],
  },
  {
    name: "kills it after its grace",
    pod: view({
      template: { liveness },
      container: container(),
      memory: { ...ending, run: { ...(ending.run ?? fail()), ending: { message: "no", signalledAt: 2_000 } } },
    }),
    now: 12_000,
    want: ["signal SIGKILL"],
  },
  {
    name: "looks again when a pod without a probe has lived long enough",
    pod: view({ container: container(), memory: running }),
    now: 1_000,
    want: [],
    at: 1_100,
  },
];

for (const { name, pod, now = 1_000, want, at = Number.POSITIVE_INFINITY } of cases) {
  test(name, () => {
    const decision = decide([pod], now, 8);
    assert.deepEqual(decision.steps.map(text), want);
    assert.equal(decision.nextAt, at);
  });
}

function crash(times: number): PodMemory {
  let memory = running;
  for (let at = 0; at < times; at += 1) {
    memory = crashed({ ...memory, run: running.run ?? fail() }, { exitCode: 1, removed: false }, undefined, 2_000);
  }
  return memory;
}

function stuck(): PodMemory {
  const reason = { code: "ENGINE_ERROR", message: "already exists" } as const;
  const refusal = { reason, final: false, container: "c1" };
  return refused(refused(newMemory, refusal, 1_000), refusal, 2_000);
}

function text(step: Step): string {
  if (step.do === "signal") return `signal ${step.signal}`;
  if (step.do === "probe") return `probe ${step.kind}`;
  return "container" in step ? `${step.do} ${step.container}` : step.do;
}
