// Laws over random states: whatever the documents hold, the zone is one that any name server reads, and one state has one text.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type DnsState, recordsOf } from "../../../src/dns/records.ts";
import { nextSerial, zoneBody, zoneText } from "../../../src/dns/zone.ts";
import { type DeploymentFixture, stateOf } from "../../support/builders.ts";
import { readZone } from "../../support/zone-reader.ts";

const numRuns = 20 * Number(process.env["ORCHESTRA_TEST_ROUNDS"] ?? "10");
const seed = process.env["ORCHESTRA_TEST_SEED"];
const parameters = { numRuns, ...(seed === undefined ? {} : { seed: Number(seed) }) };

const anyName = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[a-z]([a-z0-9-]{0,6}[a-z0-9])?$/) },
  {
    weight: 1,
    arbitrary: fc.constantFrom("in", "a", "soa", "300", "ns", "-", "$ttl 1", "a\n@ 1 IN NS x", "__proto__"),
  },
  { weight: 1, arbitrary: fc.string() },
);
const anyAddress = fc.oneof(
  { weight: 4, arbitrary: fc.ipV4() },
  { weight: 1, arbitrary: fc.oneof(fc.string(), fc.ipV6(), fc.constant("10.0.0.1 ; x")) },
);
const anyPod = fc.record({
  slot: fc.nat(5),
  serial: fc.nat(40),
  stop: fc.constantFrom(undefined, "delete" as const),
  node: fc.constantFrom("node-1", "node-2", null),
  status: fc.record({ phase: fc.constantFrom("ready" as const, "ready" as const, "running" as const), ip: anyAddress }),
});
const anyPort = fc.record({
  name: anyName,
  containerPort: fc.integer({ min: 1, max: 65_535 }),
  protocol: fc.constantFrom("TCP" as const, "UDP" as const),
});
const anyDeployment = fc.record({
  template: fc.record({ ports: fc.array(anyPort, { maxLength: 3 }) }),
  pods: fc.uniqueArray(anyPod, { maxLength: 8, selector: ({ serial }) => serial }),
});
const anyDeployments = fc.dictionary(anyName, anyDeployment, { maxKeys: 6 });

const stateFrom = (deployments: Record<string, unknown>): DnsState =>
  stateOf({ deployments: deployments as Record<string, DeploymentFixture>, nodes: { "node-1": {}, "node-2": {} } });

test("any state makes a zone that every name server reads", () => {
  fc.assert(
    fc.property(anyDeployments, (deployments) => {
      const records = recordsOf(stateFrom(deployments));
      const read = readZone(zoneText(zoneBody(records), 1));
      assert.equal(read.records.length, records.length);
    }),
    parameters,
  );
});

test("the same state makes the same text, in whatever order it comes", () => {
  const reversed = <T>(map: ReadonlyMap<string, T>) => new Map([...map].reverse());
  fc.assert(
    fc.property(anyDeployments, (deployments) => {
      const state = stateFrom(deployments);
      const turned = {
        pods: new Map(
          [...reversed(state.pods)].map(([name, doc]) => [name, { ...doc, pods: [...doc.pods].reverse() }]),
        ),
        placements: reversed(state.placements),
        statuses: reversed(state.statuses),
        templates: reversed(state.templates),
        verdicts: reversed(state.verdicts),
      };
      assert.equal(zoneBody(recordsOf(turned)), zoneBody(recordsOf(state)));
    }),
    parameters,
  );
});

test("from any serial and at any time the next one is higher, as RFC 1982 counts", () => {
  const serial = fc.integer({ min: 1, max: 2 ** 32 - 1 });
  fc.assert(
    fc.property(serial, fc.double({ min: 0, max: 2 ** 33, noNaN: true }), (previous, unixSeconds) => {
      const next = nextSerial(previous, unixSeconds);
      const difference = (next - previous + 2 ** 32) % 2 ** 32;
      assert.ok(difference > 0 && difference < 2 ** 31 && next > 0 && next < 2 ** 32, `${previous} → ${next}`);
    }),
    parameters,
  );
});
