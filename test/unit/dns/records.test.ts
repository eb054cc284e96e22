import assert from "node:assert/strict";
import { test } from "node:test";
import { type DnsRecord, recordsOf } from "../../../src/dns/records.ts";
import { type DeploymentFixture, stateOf } from "../../support/builders.ts";

const a = (name: string, address: string): DnsRecord => ({ type: "A", name, address });
const srv = (name: string, port: number, target: string): DnsRecord => ({ type: "SRV", name, port, target });
const ports = [
  { name: "http", containerPort: 80 },
  { name: "dns", containerPort: 53, protocol: "UDP" as const },
  { containerPort: 99 },
];

const cases: readonly { name: string; web: DeploymentFixture; want: readonly DnsRecord[] }[] = [
  {
    name: "the Deployment answers with every ready pod, each slot with its own",
    web: { pods: 2 },
    want: [a("web", "10.42.0.10"), a("web", "10.42.0.11"), a("web-0.web", "10.42.0.10"), a("web-1.web", "10.42.0.11")],
  },
  { name: "without pods there are no names", web: { pods: 0 }, want: [] },
  {
    name: "every named port has an SRV record per slot",
    web: { template: { ports } },
    want: [
      srv("_dns._udp.web", 53, "web-0.web"),
      srv("_http._tcp.web", 80, "web-0.web"),
      a("web", "10.42.0.10"),
      a("web-0.web", "10.42.0.10"),
    ],
  },
  {
    name: "a pod leaves with the order to stop, not when it is gone",
    web: { template: { ports }, pods: [{ stop: "scale-down" }] },
    want: [],
  },
  { name: "a pod that is not ready does not answer", web: { pods: [{ status: { phase: "running" } }] }, want: [] },
  { name: "a pod that nothing is known of does not answer", web: { pods: [{ status: null }] }, want: [] },
  { name: "a pod without a place does not answer", web: { pods: [{ node: null }] }, want: [] },
  {
    name: "in a rollout the Deployment answers with both, the slot with the newest that is ready",
    web: {
      template: { ports: [{ name: "http", containerPort: 80 }] },
      pods: [
        { slot: 0, serial: 3, status: { ip: "10.42.0.3" } },
        { slot: 0, serial: 12, status: { ip: "10.42.0.12" } },
        { slot: 0, serial: 13, status: { phase: "running", ip: "10.42.0.13" } },
      ],
    },
    want: [
      srv("_http._tcp.web", 80, "web-0.web"),
      a("web", "10.42.0.12"),
      a("web", "10.42.0.3"),
      a("web-0.web", "10.42.0.12"),
    ],
  },
  {
    name: "two pods that are said to have one address make one record",
    web: { pods: [{ status: { ip: "10.42.0.9" } }, { status: { ip: "10.42.0.9" } }] },
    want: [a("web", "10.42.0.9"), a("web-0.web", "10.42.0.9"), a("web-1.web", "10.42.0.9")],
  },
];
for (const { name, web, want } of cases) {
  test(name, () => assert.deepEqual(recordsOf(stateOf({ deployments: { web } })), want));
}

test("a pod whose worker has gone goes on answering: it may well run on", () => {
  const state = stateOf({ deployments: { web: {} }, absent: ["node-1"] });
  assert.deepEqual(recordsOf(state), [a("web", "10.42.0.10"), a("web-0.web", "10.42.0.10")]);
});

test("a pod under a lost engine answers while its worker says that it is ready, until its successor does", () => {
  const nodes = { n1: {}, n2: {} };
  const names = (phase: "running" | "ready", stop: boolean) => {
    const pods = [
      { node: "n1", ...(stop ? { stop: "lost" as const } : {}) },
      { slot: 0, serial: 7, node: "n2", status: { phase, ip: "10.42.1.7" } },
    ];
    return recordsOf(stateOf({ deployments: { web: { pods } }, nodes, engineLost: ["n1"] }));
  };
  assert.deepEqual(names("running", false), [a("web", "10.42.0.10"), a("web-0.web", "10.42.0.10")]);
  assert.deepEqual(names("ready", true), [a("web", "10.42.1.7"), a("web-0.web", "10.42.1.7")]);
});

test("a pod on a lost node does not answer, and answers again when the node is back", () => {
  const deployments = { web: { pods: [{ node: "n1" }, { node: "n2" }] } };
  const nodes = { n1: {}, n2: {} };
  const first = [a("web", "10.42.0.10"), a("web-0.web", "10.42.0.10")];
  assert.deepEqual(recordsOf(stateOf({ deployments, nodes, lost: ["n2"] })), first);
  assert.equal(recordsOf(stateOf({ deployments, nodes })).length, 4);
});

test("a pod whose template is missing answers without ports", () => {
  const state = stateOf({ deployments: { web: { template: { ports } } } });
  const names = recordsOf({ ...state, templates: new Map() }).map((record) => record.name);
  assert.deepEqual(names, ["web", "web-0.web"]);
});

test("only the node that a pod is placed on speaks for it", () => {
  const state = stateOf({ deployments: { web: {} }, nodes: { "node-1": {}, "node-2": {} } });
  const elsewhere = new Map([["node-2", state.statuses.get("node-1") ?? assert.fail()]]);
  assert.deepEqual(recordsOf({ ...state, statuses: elsewhere }), []);
});

const hostile = [
  "$INCLUDE /etc/passwd",
  "a\nevil IN A 6.6.6.6",
  "a;b",
  "@",
  "*",
  "a b",
  "a.b",
  "Ä",
  "",
  "-a",
  "a-",
  "__proto__",
  "x".repeat(64),
];
test("what is no name of DNS never becomes a record", () => {
  for (const name of hostile) {
    assert.deepEqual(recordsOf(stateOf({ deployments: { [name]: {} } })), [], JSON.stringify(name));
    const state = stateOf({ deployments: { web: { template: { ports: [{ name, containerPort: 80 }] } } } });
    assert.deepEqual(
      recordsOf(state).map((record) => record.type),
      ["A", "A"],
      JSON.stringify(name),
    );
  }
});

test("what is no IPv4 address never becomes a record", () => {
  for (const ip of ["", "10.0.0", "10.0.0.256", "10.0.0.1\nevil IN A 6.6.6.6", "::1", "010.0.0.1 ", "1.2.3.4.5"]) {
    const state = stateOf({ deployments: { web: { pods: [{ status: { ip } }] } } });
    assert.deepEqual(recordsOf(state), [], JSON.stringify(ip));
  }
});

test("names as long as the manifest allows have all their records; a slot that is too long for a label has none", () => {
  const longest = "d".repeat(53);
  const names = recordsOf(
    stateOf({ deployments: { [longest]: { pods: [{ slot: 999_999_999, status: { ip: "10.42.0.2" } }] } } }),
  ).map(({ name }) => name);
  assert.deepEqual(names, [longest, `${longest}-999999999.${longest}`]);
  const tooLong = "d".repeat(62);
  assert.deepEqual(
    recordsOf(stateOf({ deployments: { [tooLong]: {} } })).map(({ name }) => name),
    [tooLong],
  );
});
