// What a sync tells those who watch over it.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { SyncDocument, SyncOutcome } from "../../../src/model/sync.ts";
import { healthOf, readinessOf } from "../../../src/sync/health.ts";
import { Meter } from "../../../src/sync/meter.ts";
import { addressOf, metricsText } from "../../../src/sync/metrics.ts";

function document(outcome: SyncOutcome, errors: readonly string[] = []): SyncDocument {
  return {
    source: "s",
    follows: { kind: "directory", node: "h", path: "/m" },
    lead: { host: "h", pid: 1, since: "then" },
    pass: { at: "now", outcome, errors },
  };
}

function leading(outcome: SyncOutcome, errors: readonly string[] = [], fresh = true): Meter {
  const meter = new Meter('dir:h:/a "b"');
  meter.takes("leads", 900, () => ({ fresh, document: document(outcome, errors) }));
  meter.passed({ ms: 20, at: 1_000, trouble: undefined });
  return meter;
}

const ready = (meter: Meter) => {
  const { good, text } = readinessOf(meter.reading);
  return `${good ? "ready" : "not"}: ${text}`;
};

test("who leads is ready once it has read its source, and says why it is not", () => {
  assert.equal(readinessOf(undefined).good, false);
  const meter = new Meter("s");
  assert.equal(ready(meter), "not: waits for the store");
  // What the one before has told says nothing of this one.
  meter.takes("leads", 2_000, () => ({ fresh: true, document: document("synced") }));
  assert.equal(ready(meter), "not: has not read its source yet");
  assert.equal(ready(leading("synced")), "ready: synced");
  assert.equal(ready(leading("refused", ["web.yaml"])), "ready: refused: web.yaml");
  assert.equal(ready(leading("away", ["gone"])), "not: away: gone");
  assert.equal(ready(leading("failed", ["too large"])), "not: failed: too large");
  assert.equal(ready(leading("synced", [], false)), "not: the store does not answer");
  const cutOff = leading("synced", [], false);
  cutOff.passed({ ms: 1, at: 2_000, trouble: "a commit was broken off" });
  assert.equal(ready(cutOff), "not: the store does not answer", "the cause, and not what followed from it");
  const failing = leading("synced");
  failing.passed({ ms: 1, at: 2_000, trouble: "the disk is full" });
  assert.equal(ready(failing), "not: the last pass failed: the disk is full");
});

test("who stands by is ready while the store answers, and says for whom", () => {
  const meter = new Meter("s");
  meter.troubled("no permission");
  assert.equal(ready(meter), "not: cannot lead: no permission");
  let fresh = true;
  meter.takes("stands-by", 0, () => ({ fresh, document: document("away") }));
  assert.equal(ready(meter), "ready: stands by: h, pid 1, follows this source since then");
  fresh = false;
  assert.equal(ready(meter), "not: the store does not answer");
});

test("who leads and ends no pass for ten minutes hangs", () => {
  const meter = leading("synced");
  assert.equal(healthOf(meter.reading, 600_000).good, true);
  assert.equal(healthOf(meter.reading, 602_000).good, false);
  assert.equal(healthOf(undefined, 602_000).good, true);
  // However long it stood by, and whatever it did before.
  meter.takes("stands-by", 2_000, undefined);
  assert.equal(healthOf(meter.reading, 9_000_000).good, true);
  meter.takes("leads", 9_000_000, undefined);
  assert.equal(healthOf(meter.reading, 9_300_000).good, true);
  assert.equal(healthOf(meter.reading, 9_700_000).good, false);
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
    `orchestra_sync_store_connected{${source}} 1`,
    `orchestra_sync_errors{${source}} 2`,
    `orchestra_sync_written_total{${source},action="apply"} 3`,
    `orchestra_sync_written_total{${source},action="prune"} 1`,
    `orchestra_sync_pass_seconds_total{${source}} 0.02`,
  ]) {
    assert.ok(lines.includes(line), line);
  }
});

test("who stands by tells no figures of another's work", () => {
  const meter = leading("refused", ["a"]);
  meter.takes("stands-by", 2_000, () => ({ fresh: true, document: document("refused", ["a"]) }));
  const text = metricsText(meter.reading);
  assert.match(text, /sync_leading\{.*\} 0\n/);
  assert.match(text, /sync_errors\{.*\} 0\n/);
  assert.doesNotMatch(text, /sync_outcome\{.*\} 1\n/);
});

test("an address is a host and a port", () => {
  assert.deepEqual(addressOf("127.0.0.1:5380", "--listen"), { host: "127.0.0.1", port: 5380 });
  assert.deepEqual(addressOf("[::1]:0", "--listen"), { host: "::1", port: 0 });
  for (const text of ["5380", ":5380", "host", "host:70000", "::1:5380"]) {
    assert.throws(() => addressOf(text, "--listen"), { code: "invalid" }, text);
  }
});
