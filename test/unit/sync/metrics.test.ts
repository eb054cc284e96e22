// What a sync tells those who watch over it.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SyncDocument, SyncOutcome } from "../../../src/model/sync.ts";
import { Meter } from "../../../src/sync/meter.ts";
import { addressOf, healthOf, metricsText, readinessOf } from "../../../src/sync/metrics.ts";

function document(outcome: SyncOutcome, errors: readonly string[] = []): SyncDocument {
  return {
    source: "s",
    follows: { kind: "directory", host: "h", path: "/m" },
    lead: { host: "h", pid: 1, since: "now" },
    pass: { at: "now", outcome, errors },
  };
}

function leading(outcome: SyncOutcome, errors: readonly string[] = []): Meter {
  const meter = new Meter('dir:h:/a "b"');
  meter.leads(true);
  meter.told(document(outcome, errors));
  meter.passed({ ms: 20, at: 1_000, fails: false });
  return meter;
}

test("who stands by is ready, who leads is when it has looked at its source", () => {
  const meter = new Meter("s");
  assert.match(readinessOf(meter.reading).text, /stands by/);
  meter.leads(true);
  assert.equal(readinessOf(meter.reading).good, false);
  assert.deepEqual(readinessOf(leading("synced").reading), { good: true, text: "synced" });
  assert.deepEqual(readinessOf(leading("refused", ["web.yaml"]).reading), { good: true, text: "refused: web.yaml" });
  assert.equal(readinessOf(leading("away", ["gone"]).reading).good, false);
  const failing = leading("synced");
  failing.passed({ ms: 1, at: 2_000, fails: true });
  assert.equal(readinessOf(failing.reading).good, false);
});

test("who leads and ends no pass for ten minutes hangs", () => {
  const { reading } = leading("synced");
  assert.equal(healthOf(reading, 600_000).good, true);
  assert.equal(healthOf(reading, 602_000).good, false);
});

test("the figures are in Prometheus' own form", () => {
  const meter = leading("refused", ["a", "b"]);
  meter.wrote("applied", 3);
  meter.wrote("pruned", 1);
  const lines = metricsText(meter.reading).split("\n");
  const source = 'source="dir:h:/a \\"b\\""';
  for (const line of [
    `orchestra_sync_leading{${source}} 1`,
    `orchestra_sync_outcome{${source},outcome="refused"} 1`,
    `orchestra_sync_outcome{${source},outcome="synced"} 0`,
    `orchestra_sync_errors{${source}} 2`,
    `orchestra_sync_written_total{${source},action="apply"} 3`,
    `orchestra_sync_written_total{${source},action="prune"} 1`,
    `orchestra_sync_pass_seconds_total{${source}} 0.02`,
  ]) {
    assert.ok(lines.includes(line), line);
  }
});

test("an address is a host and a port", () => {
  assert.deepEqual(addressOf("127.0.0.1:5380"), { host: "127.0.0.1", port: 5380 });
  assert.deepEqual(addressOf("[::1]:0"), { host: "::1", port: 0 });
  for (const text of ["5380", ":5380", "host", "host:70000", "::1:5380"]) {
    assert.throws(() => addressOf(text), { code: "invalid" }, text);
  }
});
