// The schema says the defaults to people and editors, `model/` to the program: they are the same, and hashes stay what they were.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { specFromFlags, validateTemplate } from "../../../src/manifest/manifest.ts";
import { deploymentDefaults } from "../../../src/model/deployment.ts";
import { templateDefaults } from "../../../src/model/template.ts";
import { loadText } from "../../support/manifests.ts";

interface Schema {
  readonly default?: unknown;
  readonly $ref?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly $defs: Readonly<Record<string, Schema>>;
}
const schema: Schema = JSON.parse(
  readFileSync(new URL("../../../schemas/deployment.schema.json", import.meta.url), "utf8"),
);

function defaultOf(definition: string, property: string): unknown {
  const field = schema.$defs[definition]?.properties?.[property];
  return field?.default ?? schema.$defs[field?.$ref?.slice("#/$defs/".length) ?? ""]?.default;
}

const { readinessPeriodSeconds, livenessPeriodSeconds, probePath, stopSignal, ...template } = templateDefaults;
const cases: readonly [definition: string, property: string, want: unknown][] = [
  ["spec", "imagePullPolicy", template.imagePullPolicy],
  ["spec", "protect", false],
  ["port", "protocol", template.protocol],
  ["port", "hostIP", template.hostIP],
  ["httpAction", "path", probePath],
  ["readiness", "initialDelaySeconds", template.initialDelaySeconds],
  ["readiness", "periodSeconds", readinessPeriodSeconds],
  ["readiness", "timeoutSeconds", template.timeoutSeconds],
  ["readiness", "successThreshold", template.successThreshold],
  ["readiness", "failureThreshold", template.failureThreshold],
  ["liveness", "initialDelaySeconds", template.initialDelaySeconds],
  ["liveness", "periodSeconds", livenessPeriodSeconds],
  ["liveness", "timeoutSeconds", template.timeoutSeconds],
  ["liveness", "failureThreshold", template.failureThreshold],
  ["restart", "backoffSeconds", template.backoffSeconds],
  ["restart", "backoffMaxSeconds", template.backoffMaxSeconds],
  ["stop", "signal", stopSignal],
  ["stop", "graceSeconds", template.graceSeconds],
  ["strategy", "maxSurge", deploymentDefaults.maxSurge],
  ["strategy", "maxUnavailable", deploymentDefaults.maxUnavailable],
  ["strategy", "progressDeadlineSeconds", deploymentDefaults.progressDeadlineSeconds],
  ["placement", "spread", deploymentDefaults.spread],
];
for (const [definition, property, want] of cases) {
  test(`the default of ${definition}.${property} is what the program uses`, () => {
    assert.equal(defaultOf(definition, property), want);
  });
}

test("no other field has a default", () => {
  const all = Object.entries(schema.$defs).flatMap(([definition, { properties = {} }]) =>
    Object.keys(properties).filter((property) => defaultOf(definition, property) !== undefined),
  );
  assert.equal(all.length, cases.length);
});

test("hashes are pinned: a release that changes one would roll everybody's pods", async () => {
  const short = specFromFlags({ name: "web", image: "nginx:1.27", replicas: 3 });
  assert.deepEqual([short.revision, short.manifestHash], ["425f67ea1574", "f889bd007b68"]);
  const full = (await loadText(readFileSync(new URL("golden.yaml", import.meta.url)))).manifests[0];
  assert.deepEqual([full?.revision, full?.manifestHash], ["71f950cdb193", "21096bcf57b8"]);
});

test("the short form is the same from flags and from a file", async () => {
  const { manifests } = await loadText("name: web\nimage: demo\nreplicas: 2\n");
  const { place: _, replicasPlace: __, ...fromFile } = manifests[0] ?? assert.fail();
  assert.deepEqual(specFromFlags({ name: "web", image: "demo", replicas: 2 }), fromFile);
});

test("flags are told as files are", () => {
  assert.throws(() => specFromFlags({ name: "Web", image: "a b", replicas: 1.5 }), {
    code: "invalid",
    message: [
      '(flags) image: "a b" has spaces or control characters in it; write it as nginx:1.27 or registry.example:5000/shop/web:2.1',
      '(flags) name: "Web" has upper-case letters, and DNS knows no difference; call it web',
      "(flags) replicas: is the number 1.5, and must be a whole number",
    ].join("\n"),
  });
});

const templates: readonly { name: string; template: unknown; want: RegExp }[] = [
  { name: "nothing", template: null, want: /has no value, and must be a map/ },
  { name: "no image", template: {}, want: /image: is missing/ },
  {
    name: "a field of the spec that is none of the template",
    template: { image: "a", replicas: 1 },
    want: /replicas: there is no such field/,
  },
  {
    name: "a folder of the kernel",
    template: { image: "a", workingDir: "/proc/self/fd/8" },
    want: /workingDir: is below \/proc/,
  },
  { name: "a label of ours", template: { image: "a", labels: { "orchestra.node": "x" } }, want: /reserved/ },
  {
    name: "a probe of a port that is not there",
    template: { image: "a", readiness: { tcp: { port: "x" } } },
    want: /no port is called "x"/,
  },
  {
    name: "an amount that is none",
    template: { image: "a", resources: { memory: "1Q" } },
    want: /no amount of memory/,
  },
];
for (const { name, template, want } of templates) {
  test(`a template in the store with ${name} is refused`, () => {
    assert.throws(() => validateTemplate(template), { code: "invalid", message: want });
  });
}
