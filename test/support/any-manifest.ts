// Random valid manifests for laws about all of them: as a user might write one, with nothing left to chance but what is said.
import fc from "fast-check";
import type { Manifest } from "../../src/manifest/manifest-type.generated.ts";

type Deployment = Extract<Manifest, { kind: unknown }>;
type Spec = Deployment["spec"];

const word = fc.stringMatching(/^[a-z][a-z0-9]{0,7}$/);
const value = fc.string({ maxLength: 12, unit: fc.constantFrom(..."ab1 :#'\"{}[]é💡-_.yn0\n") });
const oneLine = value.map((text) => text.replaceAll("\n", " "));
const envName = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,7}$/).filter((name) => name !== "__proto__");

/** Each field or none of it. */
const some = <T extends object>(fields: { [K in keyof T]: fc.Arbitrary<T[K]> }) =>
  fc.record(fields, { requiredKeys: [] }) as fc.Arbitrary<Partial<T>>;
const seconds = fc.integer({ min: 1, max: 300 });

/** Ports with numbers and names of their own, so that no two meet. */
const ports = fc
  .uniqueArray(fc.integer({ min: 1, max: 9_999 }), { maxLength: 3 })
  .chain((numbers) => fc.tuple(...numbers.map(anyPort)))
  .map((list) => list as NonNullable<Spec["ports"]>);

function anyPort(number: number) {
  return fc.record(
    {
      containerPort: fc.constant(number),
      name: fc.constant(`p${number}`),
      protocol: fc.constantFrom("TCP" as const, "UDP" as const),
      hostPort: fc.constant(number + 10_000),
    },
    { requiredKeys: ["containerPort"] },
  );
}

const http = fc.record(
  {
    port: fc.integer({ min: 1, max: 65_535 }),
    path: fc.constantFrom("/", "/ready"),
    headers: fc.dictionary(word, oneLine, { maxKeys: 2 }),
  },
  { requiredKeys: ["port"] },
);
const action = fc.oneof(
  fc.record({ http }),
  fc.record({ tcp: fc.record({ port: fc.integer({ min: 1, max: 65_535 }) }) }),
  fc.record({ exec: fc.record({ command: fc.array(word, { minLength: 1, maxLength: 3 }) }) }),
);
const timing = {
  initialDelaySeconds: seconds,
  periodSeconds: fc.constantFrom(1, 2, 10),
  timeoutSeconds: seconds,
  failureThreshold: seconds,
};
const liveness = fc.tuple(action, some(timing)).map(([what, when]) => ({ ...what, ...when }));
const readiness = fc
  .tuple(action, some({ ...timing, successThreshold: fc.constantFrom(1, 2) }))
  .map(([what, when]) => ({ ...what, ...when }));

const spec = fc.record(
  {
    image: word.map((name) => `registry.example:5000/${name}:1`),
    replicas: fc.integer({ min: 0, max: 10_000 }),
    imagePullPolicy: fc.constantFrom("Always" as const, "IfNotPresent" as const, "Never" as const),
    command: fc.array(word, { minLength: 1, maxLength: 3 }),
    args: fc.array(value, { maxLength: 3 }),
    workingDir: fc.constantFrom("/", "/srv"),
    user: fc.constantFrom("1000", "app:app"),
    env: fc.dictionary(envName, value, { maxKeys: 4 }),
    labels: fc.dictionary(word, oneLine, { maxKeys: 4 }),
    ports,
    resources: some({
      cpu: fc.constantFrom("1", "250m", "1.5", 2, 0.1),
      memory: fc.constantFrom("128Mi", "1G", "1073741824", 67_108_864),
      pids: fc.integer({ min: 1, max: 4_096 }),
    }),
    readiness,
    liveness,
    restart: some({
      backoffSeconds: fc.integer({ min: 1, max: 9 }),
      backoffMaxSeconds: fc.integer({ min: 9, max: 90 }),
    }),
    stop: some({
      signal: fc.constantFrom("SIGTERM" as const, "SIGINT" as const),
      graceSeconds: fc.constantFrom(0, 10, 30),
      drainSeconds: fc.constantFrom(0, 3),
    }),
    strategy: some({
      maxSurge: fc.constantFrom(1, 2, "25%"),
      maxUnavailable: fc.constantFrom(0, "0%", 1, "50%"),
      progressDeadlineSeconds: fc.constantFrom(60, 120),
    }),
    placement: some({
      nodeSelector: fc.dictionary(word, oneLine, { maxKeys: 2 }),
      spread: fc.constantFrom("node" as const, "none" as const),
      maxPerNode: fc.integer({ min: 1, max: 9 }),
    }),
    protect: fc.boolean(),
  },
  { requiredKeys: ["image"] },
) as fc.Arbitrary<Spec>;

const metadata = fc.record(
  {
    name: word.map((name) => `app-${name}`),
    labels: fc.dictionary(word, oneLine, { maxKeys: 2 }),
    annotations: fc.dictionary(word, value, { maxKeys: 2 }),
  },
  { requiredKeys: ["name"] },
) as fc.Arbitrary<Deployment["metadata"]>;

/** A valid manifest in the full form. */
export const anyManifest: fc.Arbitrary<Deployment> = fc.record({
  apiVersion: fc.constant("orchestra/v1" as const),
  kind: fc.constant("Deployment" as const),
  metadata,
  spec,
});
