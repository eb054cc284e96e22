// Which syncs are told by commands that are about other things.
import assert from "node:assert/strict";
import { test } from "node:test";
import { syncProblems, syncTroubles } from "../../../src/cli/sync/sync-problems.ts";
import type { SyncDocument } from "../../../src/model/sync.ts";

const nowMs = Date.parse("2026-01-02T00:10:00.000Z");
const lead = { host: "lab", pid: 1, since: "2026-01-02T00:00:00.000Z" };
const sync = (fields: Partial<SyncDocument>): SyncDocument => ({
  source: "dir:lab:/m",
  follows: { kind: "directory", node: "lab", path: "/m" },
  lead,
  ...fields,
});
const waits = (since: string) =>
  sync({
    pass: { at: since, outcome: "waiting", errors: ["a: pruned when the rest is ready; waits for b", "b-0: no image"] },
    waiting: { since, prunes: ["a"] },
  });

const cases = [
  { name: "one that is synced", document: sync({ pass: { at: "", outcome: "synced", errors: [] } }), want: undefined },
  {
    name: "one that was told to end",
    document: sync({ pass: { at: "", outcome: "refused", errors: ["x"] }, lead: { ...lead, ended: "" } }),
    want: undefined,
  },
  {
    name: "one that is held, and why",
    document: sync({ pass: { at: "", outcome: "held", errors: ["too much", "of it"] } }),
    want: "held: too much (and 1 more: orchestra sync status)",
  },
  { name: "a rollout that takes its time", document: waits("2026-01-02T00:08:00.000Z"), want: undefined },
  {
    name: "one that may wait for ever, and for what",
    document: waits("2026-01-02T00:05:00.000Z"),
    want: "waiting for 5m: a: pruned when the rest is ready; waits for b; b-0: no image",
  },
] as const;
for (const { name, document, want } of cases) {
  test(name, () => {
    const observed = { syncs: [document], leaderlessSyncs: new Set<string>(), nowMs };
    assert.deepEqual(
      syncProblems(observed).map(({ message }) => message),
      want === undefined ? [] : [want],
    );
    const { outcome, errors = [] } = document.pass ?? {};
    assert.deepEqual(syncTroubles(observed), want === undefined ? [] : [{ source: document.source, outcome, errors }]);
  });
}

test("one that nobody follows is told, whatever it said last, and when that was", () => {
  const document = sync({ pass: { at: "2026-01-02T00:04:00.000Z", outcome: "synced", errors: [] } });
  const told = syncProblems({ syncs: [document], leaderlessSyncs: new Set([document.source]), nowMs });
  assert.equal(
    told[0]?.message,
    "not running: nobody follows it, and nothing is applied; start it again, or give it up with orchestra sync forget (it was led by lab, pid 1, last heard of 6m ago)",
  );
  const observed = {
    syncs: [document, sync({ source: "dir:lab:/n" })],
    leaderlessSyncs: new Set(["dir:lab:/n"]),
    nowMs,
  };
  assert.deepEqual(syncTroubles(observed), [{ source: "dir:lab:/n", running: false, errors: [] }]);
});
