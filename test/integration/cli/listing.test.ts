// Listing commands on a store where nothing runs: the real program, documents as `up` would have left them.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { type TestContext, test } from "node:test";
import { deploymentKey, failuresKey, nodeControlKey, podsKey } from "../../../src/model/keys.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { put, remove, type Store } from "../../../src/store/store.ts";
import { act, builtAt, type ClusterFixture, documentsOf, fill, podId, revisionOf } from "../../support/builders.ts";
import { type TestCluster, testCluster } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";

const fixture: ClusterFixture = {
  deployments: {
    web: { pods: 2, template: { env: { PASSWORD: "geheim" } } },
    bad: { pods: [{ status: { phase: "starting", restarts: 4, exitCode: 3 } }] },
    big: { pods: [{ node: null }], template: { resources: { memory: "64Gi" } } },
  },
};

async function filled(t: TestContext): Promise<{ cluster: TestCluster; store: Store }> {
  const cluster = await testCluster(t);
  await mkdir(dirname(cluster.storePath), { recursive: true });
  const store = await openStore(`file:${cluster.storePath}`, { create: true });
  t.after(() => store.close());
  await fill(store, documentsOf(fixture));
  const failure = {
    ...{ deployment: "bad", slot: 0, pod: podId("bad", 0), revision: revisionOf(), at: builtAt, exitCode: 3 },
    reason: { code: "CRASHED" as const, message: "ended with exit code 3" },
    lines: ["no such database"],
  };
  await store.commit({ changes: [put(failuresKey("node-1"), { failures: [failure] }, "absent")] });
  return { cluster, store };
}

test("listing works while nothing runs, says how old statuses are, and never shows a secret", async (t) => {
  const { cluster } = await filled(t);
  const get = await cluster.run("get");
  assert.equal(get.code, 0);
  assert.match(get.stdout, /^web +2\/2/m);
  assert.match(get.stdout, /^big-0 +pending .*memory/m);
  assert.match(get.stderr, /^No orchestra up runs on this store; last change \d+d ago\.$/m);

  const describe = await cluster.ok("describe", "web");
  assert.match(describe, /PASSWORD: "\*\*\*"/);
  assert.doesNotMatch(describe, /geheim/);
  assert.match(await cluster.ok("describe", "web", "--show-values"), /PASSWORD: geheim/);
  const every = [get.stdout, await cluster.ok("get", "-o", "json"), await cluster.ok("describe", "web", "-o", "json")];
  assert.doesNotMatch(every.join(), /geheim/);

  assert.match(await cluster.ok("why", "bad-0"), /exit code 3\n {2}no such database/);
  assert.match(await cluster.ok("why", "big-0"), /\n {2}node-1: memory 64Gi wanted, 8Gi free/);
  assert.equal(
    await cluster.ok("get", "deployments", "-o", "name"),
    "deployment/bad\ndeployment/big\ndeployment/web\n",
  );
});

test("YAML is the same data as JSON", async (t) => {
  const { cluster } = await filled(t);
  const { parse } = await import("yaml");
  for (const words of [["get"], ["describe", "web"], ["status"]]) {
    const json = JSON.parse(await cluster.ok(...words, "-o", "json"));
    assert.deepEqual(parse(await cluster.ok(...words, "-o", "yaml")), json, words.join(" "));
    assert.equal(json.apiVersion, "orchestra/v1");
  }
});

test("help is given before, after and instead of a command", async (t) => {
  const cluster = await testCluster(t);
  for (const words of [
    ["help", "get"],
    ["get", "--help"],
  ])
    assert.match(await cluster.ok(...words), /\$ orchestra get/);
  for (const words of [["help"], ["--help"], []]) assert.match(await cluster.ok(...words), /^ +why +Say why/m);
});

test("cordon is said once and taken back once", async (t) => {
  const { cluster, store } = await filled(t);
  assert.match(await cluster.ok("cordon", "node-1"), /is cordoned/);
  const first = await store.read(nodeControlKey("node-1"));
  assert.ok(first?.value.cordoned?.by);
  assert.match(await cluster.ok("cordon", "node/node-1"), /was cordoned already/);
  assert.equal((await store.read(nodeControlKey("node-1")))?.version, first.version);
  assert.match(await cluster.ok("get", "nodes"), /absent, cordoned/);
  assert.match(await cluster.ok("uncordon", "node-1"), /takes pods again/);
  assert.match(await cluster.ok("uncordon", "node-1"), /was not cordoned/);
});

const failures: readonly { words: readonly string[]; code: string; exit: number; message: RegExp; hint: RegExp }[] = [
  {
    words: ["get", "pods", "wbe-0"],
    code: "not-found",
    exit: 1,
    message: /no pod.*"wbe-0"/,
    hint: /did you mean web-0/,
  },
  { words: ["describe", "a", "b"], code: "invalid", exit: 2, message: /more than one name/, hint: /pod\/web-0/ },
  { words: ["why", "web"], code: "not-found", exit: 1, message: /no pod "web"/, hint: /./ },
  { words: ["get", "--wach"], code: "invalid", exit: 2, message: /unknown flag --wach/, hint: /--watch/ },
  { words: ["describe"], code: "invalid", exit: 2, message: /WHAT is missing: a name/, hint: /--help/ },
  { words: ["apply"], code: "invalid", exit: 2, message: /--file is missing$/m, hint: /--help/ },
  { words: ["deploy"], code: "invalid", exit: 2, message: /NAME is missing: [^\n]*name$/m, hint: /--help/ },
  { words: ["apply", "web.yaml"], code: "invalid", exit: 2, message: /"web.yaml"/, hint: /apply -f web.yaml/ },
  { words: ["status", "web"], code: "invalid", exit: 2, message: /status does not know .* "web"/, hint: /--help/ },
  { words: ["gte"], code: "invalid", exit: 2, message: /unknown command "gte"/, hint: /orchestra get/ },
  { words: ["get", "--store", "etcd://x"], code: "invalid", exit: 2, message: /etcd/, hint: /file:/ },
  {
    words: ["get", "--store", "file:/none/store.db"],
    code: "not-found",
    exit: 1,
    message: /no store/,
    hint: /orchestra up/,
  },
];
test("a failure is one sentence and a hint for people, JSON alone for programs, with the exit code of its kind", async (t) => {
  const { cluster } = await filled(t);
  for (const { words, code, exit, message, hint } of failures) {
    const name = words.join(" ");
    const [people, program] = await Promise.all([cluster.run(...words), cluster.run(...words, "-o", "json")]);
    assert.deepEqual([people.code, people.stdout], [exit, ""], `${name}: ${people.stdout}${people.stderr}`);
    assert.match(people.stderr, message, name);
    assert.match(people.stderr, hint, name);
    assert.doesNotMatch(people.stderr, /^ +at /m, name);
    assert.equal(program.code, exit, name);
    const { error } = JSON.parse(program.stdout);
    assert.equal(error.code, code, name);
    assert.match(error.message, message, name);
  }
});

/** Marks a Deployment as deleted, as `delete` would. */
async function markDeleted(store: Store, name: string): Promise<void> {
  const found = await store.read(deploymentKey(name));
  assert.ok(found);
  await store.commit({ changes: [put(deploymentKey(name), { ...found.value, deleted: act }, found.version)] });
}

test("a watch tells each change on a line, and what has gone", async (t) => {
  const { cluster, store } = await filled(t);
  const watch = cluster.start("get", "deployments", "-w", "-o", "json");
  let text = "";
  watch.stdout?.setEncoding("utf8").on("data", (more: string) => {
    text += more;
  });
  const told = () =>
    text
      .split("\n")
      .slice(0, -1)
      .map((line) => JSON.parse(line))
      .map(({ change, item }) => `${change} ${item.name}`);
  await eventually("the first listing", () => told().length === 3);
  await markDeleted(store, "web");
  await eventually("the change", () => told()[3] === "changed web");
  const [big, pods] = [await store.read(deploymentKey("big")), await store.read(podsKey("big"))];
  assert.ok(big && pods);
  await store.commit({ changes: [remove(big.key, big.version), remove(pods.key, pods.version)] });
  await eventually("the end", () => told()[4] === "removed big");
  watch.kill("SIGTERM");
});

test("a watch whose reader has left ends without a word", async (t) => {
  const { cluster, store } = await filled(t);
  const child = cluster.start("get", "-w");
  let errors = "";
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    errors += text;
  });
  const ended = once(child, "exit");
  assert.ok(child.stdout);
  await once(child.stdout, "data");
  child.stdout.destroy();
  // It notices that nobody reads when it writes next.
  await markDeleted(store, "web");
  assert.deepEqual([await ended, errors], [[0, null], ""]);
});
