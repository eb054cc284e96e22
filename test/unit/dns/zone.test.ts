import assert from "node:assert/strict";
import { test } from "node:test";
import type { DnsRecord } from "../../../src/dns/records.ts";
import { nextSerial, parseZone, zoneBody, zoneText } from "../../../src/dns/zone.ts";

const records: readonly DnsRecord[] = [
  { type: "SRV", name: "_http._tcp.web", port: 80, target: "web-0.web" },
  { type: "A", name: "web", address: "10.42.0.2" },
];

test("the zone begins with its SOA, whose negative TTL is that of the answers", () => {
  const text = [
    "$ORIGIN cluster.local.",
    "$TTL 2",
    "@ IN SOA ns hostmaster 7 5 2 86400 2",
    "_http._tcp.web IN SRV 0 50 80 web-0.web",
    "web IN A 10.42.0.2",
    "",
  ].join("\n");
  assert.equal(zoneText(zoneBody(records), 7), text);
});

test("what was written is read back", () => {
  for (const body of [zoneBody(records), ""]) {
    for (const serial of [1, 7, 2 ** 32 - 1]) assert.deepEqual(parseZone(zoneText(body, serial)), { serial, body });
  }
});

test("a damaged file still tells its serial, and is never taken for what was wanted", () => {
  const head = zoneText("", 7);
  assert.deepEqual(parseZone(`; by hand\n${head}`), { serial: 7, body: "damaged" });
  for (const text of ["", "web IN A 10.42.0.2\n", zoneText("", 0), head.slice(0, 40)])
    assert.equal(parseZone(text), undefined);
});

const now = 1_800_000_000;
const highest = 2 ** 32 - 1;
const serials = [
  { name: "nothing known: the time", previous: undefined, at: now, want: now },
  { name: "quiet since: the time", previous: now - 60, at: now, want: now },
  { name: "twice in a second: one more", previous: now, at: now, want: now + 1 },
  { name: "the clock was put back: one more", previous: now + 5_000, at: now, want: now + 5_001 },
  { name: "fractions of a second do not count", previous: undefined, at: now + 0.9, want: now },
  { name: "after the highest comes 1, never 0", previous: highest, at: highest, want: 1 },
  { name: "after the wrap the time goes on from there", previous: highest, at: 2 ** 32 + 50, want: 50 },
  { name: "0 is skipped by the time too", previous: undefined, at: 2 ** 32, want: 1 },
];
for (const { name, previous, at, want } of serials) {
  test(`serial, ${name}`, () => assert.equal(nextSerial(previous, at), want));
}
