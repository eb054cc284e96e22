// Which address a host is found by.
import assert from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import { test } from "node:test";
import { ownAddress } from "../../../src/worker/own-address.ts";

const at = (address: string, internal = false) =>
  [{ address, family: address.includes(":") ? "IPv6" : "IPv4", internal }] as NetworkInterfaceInfo[];
const table = (...lines: readonly string[]) => ["Iface\tDestination\tGateway\tFlags", ...lines].join("\n");
const defaultBy = (name: string, metric = 0) => `${name}\t00000000\t010200C0\t0003\t0\t0\t${metric}\t00000000\t0\t0\t0`;

const cases = [
  { name: "the interface that leads out", table: table(defaultBy("eth1")), want: "10.0.0.2" },
  {
    name: "of two that lead out, the one that is used",
    table: table(defaultBy("eth0", 100), defaultBy("eth1", 50)),
    want: "10.0.0.2",
  },
  { name: "where nothing leads out, the first", table: table(), want: "192.0.2.2" },
  { name: "where containers seem to lead out, the first", table: table(defaultBy("br-1")), want: "192.0.2.2" },
];
for (const { name, table: routes, want } of cases) {
  const interfaces = {
    lo: at("127.0.0.1", true),
    docker0: at("172.17.0.1"),
    "br-1": at("10.42.1.1"),
    eth2: at("169.254.3.4"),
    eth0: at("192.0.2.2"),
    eth1: at("10.0.0.2"),
  };
  test(name, () => assert.equal(ownAddress(interfaces, routes), want));
}

test("a machine without a network is found by nobody else", () =>
  assert.equal(ownAddress({ lo: at("127.0.0.1", true), eth0: at("fe80::1") }, ""), "127.0.0.1"));
