import assert from "node:assert/strict";
import { test } from "node:test";
import { type Kind, namedOnce, resolveName } from "../../../src/cli/names.ts";
import { podId, stateOf } from "../../support/builders.ts";

const all: readonly Kind[] = ["deployment", "pod", "node"];
const state = stateOf({
  deployments: {
    web: {
      pods: [
        { slot: 0, serial: 1 },
        { slot: 0, serial: 4, status: { phase: "running" } },
        { slot: 1, serial: 2 },
      ],
    },
    // Its own pod is web-1-0; its name is also that of a pod of web.
    "web-1": {},
    many: { pods: 7 },
    none: { pods: 0 },
    gone: { pods: [{ serial: 0 }, { slot: 0, serial: 1, stop: "superseded", status: { phase: "stopping" } }] },
  },
  nodes: { n1: {}, web: {} },
});

const cases: readonly { text: string; kinds?: readonly Kind[]; preferReady?: boolean; want: string }[] = [
  { text: "deployment/web", want: "deployment web" },
  { text: "deploy/web", want: "deployment web" },
  { text: "node/web", want: "node web" },
  { text: "n1", want: "node n1" },
  { text: "web", kinds: ["deployment", "pod"], want: "deployment web" },
  { text: "web-1-0", want: `pod ${podId("web-1", 0)}` },
  { text: "pod/web-1", want: `pod ${podId("web", 2)}` },
  { text: podId("web", 1), want: `pod ${podId("web", 1)}` },
  { text: `pod/${podId("web", 1)}`, want: `pod ${podId("web", 1)}` },
  // The newest incarnation; for exec the newest that is ready; one that is being stopped only where there is no other.
  { text: "web-0", want: `pod ${podId("web", 4)}` },
  { text: "web-0", preferReady: true, want: `pod ${podId("web", 1)}` },
  { text: "gone-0", want: `pod ${podId("gone", 0)}` },
];
for (const { text, kinds = all, preferReady = false, want } of cases) {
  test(`"${text}"${preferReady ? " for exec" : ""} among ${kinds.join(", ")} is ${want}`, () => {
    const target = resolveName(state, text, { kinds, preferReady });
    assert.equal(`${target.kind} ${target.kind === "pod" ? target.pod.pod.id : target.name}`, want);
  });
}

const refusals: readonly { text: string; kinds?: readonly Kind[]; code: string; message: RegExp; hint: RegExp }[] = [
  { text: "web", code: "invalid", message: /"web" is a deployment and a node/, hint: /deployment\/web or node\/web/ },
  { text: "web-1", code: "invalid", message: /a deployment and a pod/, hint: /deployment\/web-1 or pod\/web-1/ },
  { text: "wbe", kinds: ["deployment"], code: "not-found", message: /no deployment "wbe"/, hint: /did you mean web\?/ },
  { text: "zzzzzzz", code: "not-found", message: /no deployment, pod or node "z/, hint: /deployments, pods and nodes/ },
  {
    text: "web",
    kinds: ["pod"],
    code: "not-found",
    message: /no pod "web"/,
    hint: /^web is a Deployment; name a pod of it: web-0 or web-1$/,
  },
  { text: "pod/web", code: "not-found", message: /no pod "web"/, hint: /web is a Deployment.*web-0 or web-1$/ },
  { text: "many", kinds: ["pod"], code: "not-found", message: /no pod/, hint: /many-3, many-4 or one of 2 more$/ },
  {
    text: "none",
    kinds: ["pod"],
    code: "not-found",
    message: /no pod/,
    hint: /none is a Deployment and has no pods yet/,
  },
  { text: "node/n1", kinds: ["pod"], code: "invalid", message: /does not name a pod/, hint: /pod\/NAME/ },
  { text: "service/web", code: "invalid", message: /service\/web/, hint: /deployment\/NAME/ },
  { text: "__proto__/web", code: "invalid", message: /__proto__/, hint: /NAME/ },
];
for (const { text, kinds = all, code, message, hint } of refusals) {
  test(`"${text}" among ${kinds.join(", ")} is refused as ${code}`, () => {
    assert.throws(() => resolveName(state, text, { kinds }), { code, message, hint });
  });
}

const asked = { document: { replicas: 2, generation: 2 }, pods: [] };
const unborn: readonly { name: string; state: typeof state; text: string; message: RegExp; hint: RegExp }[] = [
  {
    name: "no master has ever looked",
    state: { ...stateOf({ deployments: { web: asked }, nodes: {} }), pods: new Map() },
    text: "web-1",
    message: /^web-1 has not been created yet: no master has run on this store$/,
    hint: /^start one with orchestra up$/,
  },
  {
    name: "the master has not come to it",
    state: stateOf({ deployments: { web: asked, api: {} } }),
    text: "pod/web-0",
    message: /^web-0 has not been created yet: no master has run since web was changed$/,
    hint: /orchestra status .* orchestra up/,
  },
  {
    name: "the Deployment has no such slot",
    state: stateOf({ deployments: { web: asked } }),
    text: "web-2",
    message: /there is no pod "web-2"/,
    hint: /get lists/,
  },
];
for (const { name, state, text, message, hint } of unborn) {
  test(`a pod that should be there and is not: ${name}`, () => {
    assert.throws(() => resolveName(state, text, { kinds: ["pod"] }), { code: "not-found", message, hint });
  });
}

test("a kind and a name may be two words, and no more", () => {
  assert.equal(namedOnce(["pod", "web-0"]), "pod/web-0");
  assert.equal(namedOnce(["nodes", "n1"]), "node/n1");
  assert.equal(namedOnce(["web"]), "web");
  assert.throws(() => namedOnce(["web", "api"]), { code: "invalid" });
  assert.throws(() => namedOnce(["pod", "web-0", "web-1"]), { code: "invalid" });
});
