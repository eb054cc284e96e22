// Hands on an engine, a store and files, and what `diff --live` finds: a real store, and the engine in memory.
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { planApply } from "../../../src/apply/plan.ts";
import { driftMarkdown, driftText } from "../../../src/cli/change/drift-text.ts";
import { lookLive } from "../../../src/cli/change/live.ts";
import { systemClock } from "../../../src/clock.ts";
import { OrchestraError } from "../../../src/model/errors.ts";
import { resolveTemplate } from "../../../src/model/template.ts";
import { openStore } from "../../../src/store/open-store.ts";
import type { Store } from "../../../src/store/store.ts";
import { openMemory } from "../../../src/worker/memory.ts";
import type { Runtime } from "../../../src/worker/runtime.ts";
import { documentsOf, fill, podId, revisionOf, template } from "../../support/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { manifest } from "../../support/forecasts.ts";
import { memoryImages } from "../../support/memory-images.ts";
import { author } from "../../support/plans.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const { signal } = new AbortController();
const [image = ""] = memoryImages.keys();
const resolved = template({ image });

interface Bench {
  readonly store: Store;
  readonly runtime: Runtime;
  readonly containers: readonly string[];
}

/** Two pods that run, as the store says. */
async function bench(t: TestContext): Promise<Bench> {
  const store = await openStore(`file:${join(await tempFolder(t), "store.db")}`, { create: true });
  t.after(() => store.close());
  await fill(store, documentsOf({ deployments: { web: { template: { image }, pods: 2 } } }));
  const runtime = openMemory(memoryImages, systemClock);
  await runtime.createNetwork({ name: "o", range: "10.42.0.0/24", gateway: "10.42.0.1" }, signal);
  const containers: string[] = [];
  for (const slot of [0, 1]) containers.push(await run(runtime, slot));
  return { store, runtime, containers };
}

async function run(runtime: Runtime, slot: number): Promise<string> {
  const spec = { pod: podId("web", slot), deployment: "web", slot, revision: revisionOf({ image }) };
  const dns = { server: "10.42.0.1", search: "cluster.local" };
  const template = resolveTemplate(resolved);
  await runtime.pull(template, () => {}, signal);
  const id = await runtime.create({ ...spec, template, network: "o", dns }, signal);
  await runtime.start(id, signal);
  return id;
}

const files = [manifest("web", { replicas: 2, template: resolved })];

function look(store: Store, runtime: Pick<Runtime, "list" | "changed">) {
  const plan: Parameters<typeof lookLive>[0]["plan"] = (state) => planApply(state, files, author());
  return lookLive({ store, plan, isHere: () => true, runtimeOf: () => runtime });
}

test("containers that a hand has stopped, removed and left behind are named with what corrects them", async (t) => {
  const { store, runtime, containers } = await bench(t);
  assert.deepEqual((await look(store, runtime)).drifts, []);
  const [first = "", second = ""] = containers;
  await runtime.kill(first, "SIGKILL", signal);
  await eventually("its end", async () => (await runtime.inspect(first, signal)).state === "exited");
  await runtime.remove(second, signal);
  const stray = await run(runtime, 7);
  const found = await look(store, runtime);
  const told = found.drifts.map(({ kind, name, container }) => [kind, name, container]);
  assert.deepEqual(told.slice(0, 1), [["stopped", "web-0", first.slice(0, 12)]]);
  assert.deepEqual(
    told.slice(1).map(([kind, name]) => [kind, name]),
    [
      ["removed", "web-1"],
      ["stray", "web-7"],
    ],
  );
  assert.equal(told[2]?.[2], stray.slice(0, 12));
  const markdown = driftMarkdown(found).split("\n");
  assert.deepEqual(markdown.slice(0, 3), ["### 3 differences between files, store and engines", "", "```text"]);
  assert.deepEqual(markdown.slice(-3), ["```text", "Looked at: the engine of node-1, and statuses elsewhere.", "```"]);
  assert.equal(markdown.filter((line) => line.startsWith("  corrected by: ")).length, 3);
  const [drift = assert.fail()] = found.drifts;
  const many = driftMarkdown({ ...found, drifts: Array(5_000).fill({ ...drift, message: "``` `@all` ".repeat(100) }) });
  assert.ok(many.length < 60_000, String(many.length));
  assert.match(many, /^````text$/m);
  assert.match(many, /^and 9850 more$/m);
  assert.match(driftText(found, false), /^web-0 on node-1 \(.*\): its container does not run/m);
  assert.match(
    driftText(found, false),
    /3 differences .* \(looked at: the engine of node-1, and statuses elsewhere\)\.$/,
  );
});

const changed = async () => [];

test("what only one of two looks at the engine shows is on its way, and no drift", async (t) => {
  const { store, runtime } = await bench(t);
  let looks = 0;
  const list = async () => {
    looks += 1;
    return looks === 1 ? runtime.list(signal) : [];
  };
  assert.deepEqual((await look(store, { list, changed })).drifts, []);
  assert.equal(looks, 2);
});

test("an engine that does not answer is told, and statuses speak for it", async (t) => {
  const { store } = await bench(t);
  const list = () => Promise.reject(new OrchestraError("unavailable", "Docker does not answer", { hint: "start it" }));
  const found = await look(store, { list, changed });
  assert.deepEqual([found.drifts, found.engines], [[], []]);
  assert.match(found.notes.join(), /engine of node-1 could not be asked: Docker does not answer/);
});

test("a container that goes while it is asked about has no drift, and an engine that falls silent then is told", async (t) => {
  const { store, runtime } = await bench(t);
  const list = () => runtime.list(signal);
  const answering = (error: OrchestraError) => look(store, { list, changed: () => Promise.reject(error) });
  const gone = await answering(new OrchestraError("not-found", "no such container"));
  assert.deepEqual([gone.drifts, gone.notes], [[], []]);
  const silent = await answering(new OrchestraError("unavailable", "Docker does not answer", { hint: "start it" }));
  assert.deepEqual(silent.engines, ["node-1"]);
  assert.match(silent.notes.join(), /The engine of node-1 did not tell the limits of all containers: Docker does not/);
});
