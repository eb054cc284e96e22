// Host ports of a whole set: what is told is what comparing every two Deployments would tell, also where there are very many.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { LoadedManifest } from "../../../src/manifest/loaded.ts";
import { checkSet } from "../../../src/manifest/set-checks.ts";
import type { Port } from "../../../src/model/template.ts";
import { rounds, seed } from "../../support/rounds.ts";

function onHost(index: number, ports: readonly Port[], replicas?: number): LoadedManifest {
  const count = replicas === undefined ? {} : { replicas };
  const spec = { name: `web${index}x`, template: { image: "demo", ports }, ...count };
  return { spec, revision: "r", manifestHash: "m" };
}

/** One spelling each: what is compared with another spelling is said below. */
const address = fc.constantFrom(undefined, "0.0.0.0", "10.0.0.1", "10.0.0.2", "fd00::1", "::");
const port = fc
  .record({
    hostPort: fc.constantFrom(undefined, 80, 81),
    hostIP: address,
    protocol: fc.constantFrom("TCP", "UDP", undefined),
  })
  .map(({ hostPort, hostIP, protocol }): Port => {
    const where = { ...(hostPort ? { hostPort } : {}), ...(hostIP ? { hostIP } : {}) };
    return { containerPort: 1, ...where, ...(protocol ? { protocol } : {}) } as Port;
  });
const set = fc
  .array(fc.tuple(fc.array(port, { maxLength: 3 }), fc.constantFrom(undefined, 0, 2)), { maxLength: 12, size: "max" })
  .map((all) => all.map(([ports, replicas], index) => onHost(index, ports, replicas)));

function meet(a: Port, b: Port): boolean {
  const [first, second] = [a, b].map(({ hostIP = "0.0.0.0" }) => hostIP);
  const sameNumber = a.hostPort !== undefined && a.hostPort === b.hostPort;
  const sameAddress = first === second || first === "0.0.0.0" || second === "0.0.0.0";
  return sameNumber && (a.protocol ?? "TCP") === (b.protocol ?? "TCP") && sameAddress;
}

/** For each port the first Deployment before it that it can never share a node with. */
function clashes(manifests: readonly LoadedManifest[]): string[] {
  const running = manifests.filter(({ spec }) => spec.replicas !== 0);
  return running.flatMap(({ spec }, index) =>
    (spec.template.ports ?? []).flatMap((port) => {
      const earlier = running.slice(0, index);
      const other = earlier.find((one) => one.spec.template.ports?.some((candidate) => meet(candidate, port)));
      return other ? [`${spec.name} and ${other.spec.name} ${port.hostPort}/${port.protocol ?? "TCP"}`] : [];
    }),
  );
}

const told = (manifests: readonly LoadedManifest[]) =>
  checkSet(manifests).warnings.map(({ message }) => message.replace(/ \(.*\) both want host port/, ""));

test("two Deployments that can never share a node are told once for each port, and no others are", () => {
  fc.assert(
    fc.property(set, (manifests) => assert.deepEqual(told(manifests), clashes(manifests))),
    { numRuns: rounds * 30, seed },
  );
});

test("two spellings of an address are one", () => {
  const ports = ["::1", "0:0:0:0:0:0:0:1"].map((hostIP): Port => ({ containerPort: 1, hostPort: 80, hostIP }));
  assert.deepEqual(told(ports.map((port, index) => onHost(index, [port]))), ["web1x and web0x 80/TCP"]);
});

// Compared two by two, these took a quarter of an hour.
test("twenty thousand Deployments on one port of different addresses do not clash; one on all addresses does", () => {
  const many = Array.from({ length: 20_000 }, (_, index) =>
    onHost(index, [{ containerPort: 1, hostPort: 80, hostIP: `fd00::${(index + 1).toString(16)}` }]),
  );
  assert.deepEqual(told(many), []);
  assert.deepEqual(told([...many, onHost(many.length, [{ containerPort: 1, hostPort: 80 }])]), [
    "web20000x and web0x 80/TCP",
  ]);
});
