import assert from "node:assert/strict";
import { test } from "node:test";
import { type FieldChange, fieldChanges, sameValue } from "../../../src/apply/fields.ts";
import type { PodTemplate } from "../../../src/model/template.ts";

const image = "demo:1";
const cases: { name: string; old: Partial<PodTemplate>; next: Partial<PodTemplate>; want: FieldChange[] }[] = [
  { name: "nothing differs", old: { env: { A: "1" } }, next: { env: { A: "1" } }, want: [] },
  {
    name: "keys in another order are the same",
    old: { env: { A: "1", B: "2" } },
    next: { env: { B: "2", A: "1" } },
    want: [],
  },
  {
    name: "environment entries are compared by name, and their values are secret",
    old: { env: { A: "1", B: "2" } },
    next: { env: { B: "3", C: "4" } },
    want: [
      { path: "spec.env.A", old: "1", secret: true },
      { path: "spec.env.B", old: "2", new: "3", secret: true },
      { path: "spec.env.C", new: "4", secret: true },
    ],
  },
  {
    name: "a port is found again by its name",
    old: {
      ports: [
        { name: "http", containerPort: 80 },
        { name: "admin", containerPort: 81 },
      ],
    },
    next: {
      ports: [
        { name: "admin", containerPort: 81 },
        { name: "http", containerPort: 8080 },
        { containerPort: 53, protocol: "UDP" },
      ],
    },
    want: [
      { path: "spec.ports[http].containerPort", old: 80, new: 8080 },
      { path: "spec.ports[53/UDP].containerPort", new: 53 },
      { path: "spec.ports[53/UDP].protocol", new: "UDP" },
    ],
  },
  {
    name: "ports in another order make another revision, so the order is a change",
    old: { ports: [{ containerPort: 80 }, { containerPort: 81 }] },
    next: { ports: [{ containerPort: 81 }, { containerPort: 80 }] },
    want: [{ path: "spec.ports", old: ["80", "81"], new: ["81", "80"] }],
  },
  {
    name: "a command is one value",
    old: { command: ["a", "b"] },
    next: { command: ["a", "c"] },
    want: [{ path: "spec.command", old: ["a", "b"], new: ["a", "c"] }],
  },
  {
    name: "another kind of probe: what goes and what comes",
    old: { readiness: { http: { port: 80, headers: { Authorization: "token" } } } },
    next: { readiness: { tcp: { port: 80 } } },
    want: [
      { path: "spec.readiness.http.port", old: 80 },
      { path: "spec.readiness.http.headers.Authorization", old: "token", secret: true },
      { path: "spec.readiness.tcp.port", new: 80 },
    ],
  },
  {
    name: "a key with dots is written so that it can be told apart",
    old: {},
    next: { labels: { "traefik.enable": "true" } },
    want: [{ path: 'spec.labels["traefik.enable"]', new: "true" }],
  },
  {
    name: "a key that an object has by itself is a key like any other",
    old: { env: JSON.parse('{"__proto__": "1", "constructor": "2"}') },
    next: { env: {} },
    want: [
      { path: "spec.env.__proto__", old: "1", secret: true },
      { path: "spec.env.constructor", old: "2", secret: true },
    ],
  },
];
for (const { name, old, next, want } of cases) {
  test(name, () => {
    const found = fieldChanges(
      { document: {}, template: { image, ...old } },
      { document: {}, template: { image, ...next } },
    );
    assert.deepEqual(found, want);
  });
}

test("everything of a new Deployment is new", () => {
  assert.deepEqual(fieldChanges(undefined, { document: { labels: { team: "shop" } }, template: { image } }), [
    { path: "metadata.labels.team", new: "shop" },
    { path: "spec.image", new: "demo:1" },
  ]);
});

test("values are equal when their fields are", () => {
  assert.equal(sameValue({ a: { b: 1 }, c: 2 }, { c: 2, a: { b: 1 } }), true);
  assert.equal(sameValue({ a: 1 }, undefined), false);
  assert.equal(sameValue("25%", 25), false);
});
