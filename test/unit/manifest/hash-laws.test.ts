// Laws over random manifests: what means the same has the same hashes, and what does not has others.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { stringify } from "yaml";
import { validateTemplate } from "../../../src/manifest/manifest.ts";
import { formatCpu, parseCpu, parseMemory } from "../../../src/model/quantity.ts";
import { resolveTemplate } from "../../../src/model/template.ts";
import { anyManifest } from "../../support/any-manifest.ts";
import { loadText } from "../../support/manifests.ts";
import { randomOf, rounds, seed } from "../../support/rounds.ts";

type Tree = { [key: string]: unknown };
const options = { numRuns: rounds * 10, seed };

async function load(manifest: unknown) {
  const { manifests } = await loadText(JSON.stringify(manifest));
  assert.equal(manifests.length, 1);
  return manifests[0] ?? assert.fail();
}

/** The same maps with their keys in another order, all the way down. */
function shuffled(value: unknown, random: () => number): unknown {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, random));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [random(), key, shuffled(inner, random)] as const);
  return Object.fromEntries(entries.sort(([a], [b]) => a - b).map(([, key, inner]) => [key, inner]));
}

/** The same said at length: every default written out, quantities spelt otherwise, ports turned around. */
function atLength(manifest: unknown): unknown {
  const copy = structuredClone(manifest) as { metadata: Tree; spec: Tree };
  const probe = (raw: unknown, periodSeconds: number) => {
    const { http } = raw as { http?: Tree };
    const filled = http ? { http: { path: "/", headers: {}, ...http } } : {};
    return {
      initialDelaySeconds: 0,
      timeoutSeconds: 1,
      failureThreshold: 3,
      periodSeconds,
      ...(raw as Tree),
      ...filled,
    };
  };
  const { spec } = copy;
  const { resources = {}, ports = [] } = spec as { resources?: Tree; ports?: Tree[] };
  const cpu = resources["cpu"] === undefined ? {} : { cpu: `${parseCpu(String(resources["cpu"]))}m` };
  const memory = resources["memory"] === undefined ? {} : { memory: parseMemory(String(resources["memory"])) };
  const defaults = { imagePullPolicy: "IfNotPresent", command: [], args: [], env: {}, labels: {}, protect: false };
  return {
    ...copy,
    metadata: { labels: {}, annotations: {}, ...copy.metadata },
    spec: {
      ...defaults,
      ...spec,
      ports: ports
        .map((port) => ({ protocol: "TCP", ...(port["hostPort"] ? { hostIP: "0.0.0.0" } : {}), ...port }))
        .reverse(),
      resources: { ...resources, ...cpu, ...memory },
      ...(spec["readiness"] ? { readiness: { successThreshold: 1, ...probe(spec["readiness"], 1) } } : {}),
      ...(spec["liveness"] ? { liveness: probe(spec["liveness"], 10) } : {}),
      restart: { backoffSeconds: 1, backoffMaxSeconds: 60, ...(spec["restart"] as Tree) },
      stop: { signal: "SIGTERM", graceSeconds: 10, ...(spec["stop"] as Tree) },
      strategy: { maxSurge: 1, maxUnavailable: "0%", progressDeadlineSeconds: 120, ...(spec["strategy"] as Tree) },
      placement: { nodeSelector: {}, spread: "node", ...(spec["placement"] as Tree) },
    },
  };
}

test("the order of keys, explicit defaults, other spellings, YAML or JSON change neither spec nor hashes", async () => {
  const random = randomOf("hash-laws");
  await fc.assert(
    fc.asyncProperty(anyManifest, async (manifest) => {
      const plain = await load(manifest);
      for (const same of [shuffled(manifest, random), atLength(manifest), shuffled(atLength(manifest), random)]) {
        const { spec, revision, manifestHash } = await load(same);
        assert.deepEqual(
          { spec, revision, manifestHash },
          { spec: plain.spec, revision: plain.revision, manifestHash: plain.manifestHash },
        );
      }
      // Quoted: what the package itself writes for a line of spaces, it does not read back as such.
      const text = stringify(manifest, { defaultStringType: "QUOTE_DOUBLE" });
      const yaml = await loadText(`# a comment\n${text}`);
      assert.equal(yaml.manifests[0]?.manifestHash, plain.manifestHash);
    }),
    options,
  );
});

/** One change each, and whether it makes a new revision. */
const changes: readonly { name: string; rolls: boolean; change: (spec: Tree, metadata: Tree) => void }[] = [
  { name: "image", rolls: true, change: (spec) => (spec["image"] = "other") },
  {
    name: "policy",
    rolls: true,
    change: (spec) => (spec["imagePullPolicy"] = spec["imagePullPolicy"] === "Never" ? "Always" : "Never"),
  },
  {
    name: "command",
    rolls: true,
    change: (spec) => (spec["command"] = [...((spec["command"] as string[]) ?? []), "x"]),
  },
  { name: "args", rolls: true, change: (spec) => (spec["args"] = ["--x", ...((spec["args"] as string[]) ?? [])]) },
  { name: "folder", rolls: true, change: (spec) => (spec["workingDir"] = "/changed") },
  { name: "user", rolls: true, change: (spec) => (spec["user"] = "changed") },
  { name: "env", rolls: true, change: (spec) => (spec["env"] = { ...(spec["env"] as Tree), CHANGED_LONG: "" }) },
  {
    name: "labels",
    rolls: true,
    change: (spec) => (spec["labels"] = { ...(spec["labels"] as Tree), "changed.long": "" }),
  },
  {
    name: "ports",
    rolls: true,
    change: (spec) => (spec["ports"] = [...((spec["ports"] as Tree[]) ?? []), { containerPort: 60_000 }]),
  },
  {
    name: "pids",
    rolls: true,
    change: (spec) => (spec["resources"] = { ...(spec["resources"] as Tree), pids: 5_000 }),
  },
  {
    name: "cpu",
    rolls: true,
    change: (spec) => (spec["resources"] = { ...(spec["resources"] as Tree), cpu: formatCpu(12_345) }),
  },
  { name: "readiness", rolls: true, change: (spec) => (spec["readiness"] = { tcp: { port: 1 }, timeoutSeconds: 299 }) },
  { name: "liveness", rolls: true, change: (spec) => (spec["liveness"] = { exec: { command: ["changed", "x"] } }) },
  { name: "restart", rolls: true, change: (spec) => (spec["restart"] = { backoffMaxSeconds: 500 }) },
  { name: "stop", rolls: true, change: (spec) => (spec["stop"] = { ...(spec["stop"] as Tree), graceSeconds: 77 }) },
  { name: "replicas", rolls: false, change: (spec) => (spec["replicas"] = spec["replicas"] === 7 ? 8 : 7) },
  { name: "strategy", rolls: false, change: (spec) => (spec["strategy"] = { progressDeadlineSeconds: 77 }) },
  { name: "placement", rolls: false, change: (spec) => (spec["placement"] = { maxPerNode: 77 }) },
  { name: "protect", rolls: false, change: (spec) => (spec["protect"] = spec["protect"] !== true) },
  { name: "annotation", rolls: false, change: (_, metadata) => (metadata["annotations"] = { "changed.long": "x" }) },
  { name: "label", rolls: false, change: (_, metadata) => (metadata["labels"] = { "changed.long": "x" }) },
];
for (const { name, rolls, change } of changes) {
  test(`another ${name} is another manifest hash, and ${rolls ? "another" : "the same"} revision`, async () => {
    await fc.assert(
      fc.asyncProperty(anyManifest, async (manifest) => {
        const changed = structuredClone(manifest) as unknown as { spec: Tree; metadata: Tree };
        change(changed.spec, changed.metadata);
        const [before, after] = [await load(manifest), await load(changed)];
        assert.notEqual(after.manifestHash, before.manifestHash);
        assert.equal(after.revision !== before.revision, rolls);
      }),
      { ...options, numRuns: rounds },
    );
  });
}

test("a template that comes out is one that a worker takes, and has every default filled in", async () => {
  await fc.assert(
    fc.asyncProperty(anyManifest, async (manifest) => {
      const { template } = (await load(manifest)).spec;
      assert.deepEqual(validateTemplate(JSON.parse(JSON.stringify(template))), template);
      assert.doesNotThrow(() => resolveTemplate(template));
    }),
    options,
  );
});
