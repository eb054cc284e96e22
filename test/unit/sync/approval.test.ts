// How long a hold, its approval and what was let through last in the document of a sync, pass by pass.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { HeldPass, LetThrough, SyncDocument, SyncOutcome } from "../../../src/model/sync.ts";
import { approvalOf } from "../../../src/sync/approval.ts";
import { doneReport, nextRecord, type Report } from "../../../src/sync/record.ts";

const held: HeldPass = { token: "t1", created: 0, updated: 0, deleted: 4, deletes: ["a", "b", "c", "d"] };
const letThrough: LetThrough = { tree: "x", token: "d1" };
const fresh: SyncDocument = {
  source: "s",
  follows: { kind: "directory", node: "lab", path: "/m" },
  lead: { host: "lab", pid: 1, since: "now" },
};
const holding: Report = { outcome: "held", errors: [], held };
const undecided = (outcome: SyncOutcome): Report => ({ outcome, errors: ["it is so"] });
const applied = (tree: string): Report => ({ outcome: "synced", errors: [], applied: { tree, deployments: 1 } });

test("an approval counts for the hold that it is about, and for no later one of the same", () => {
  const first = nextRecord(fresh, holding, "1");
  const approved = { token: "t1", held: first.held?.since ?? assert.fail(), by: "ann", at: "2" };
  assert.equal(approvalOf(first.held, approved), approved);
  assert.equal(approvalOf(first.held, { ...approved, token: "t2" }), undefined);
  assert.equal(approvalOf(nextRecord(first, { ...holding, errors: ["another reason"] }, "3").held, approved), approved);
  const other = { ...holding, held: { ...held, token: "t2" } };
  for (const between of [applied("x"), doneReport(applied("x")), undecided("refused"), other]) {
    const ended = nextRecord(first, between, "4");
    assert.equal(approvalOf(ended.held, approved), undefined);
    assert.equal(approvalOf(nextRecord(ended, holding, "5").held, approved), undefined);
  }
});

test("a hold lasts while the source is not read, or nothing comes of it", () => {
  const first = nextRecord(fresh, holding, "1");
  for (const outcome of ["away", "failed", "paused"] as const) {
    assert.deepEqual(nextRecord(first, undecided(outcome), "2").held, first.held);
  }
});

test("what an earlier release holds and what was approved there count for each other until it is held by this one", () => {
  const approved = { token: "t1", by: "ann", at: "2" };
  assert.equal(approvalOf(held, approved), approved);
  assert.equal(approvalOf(nextRecord({ ...fresh, held }, holding, "3").held, approved), undefined);
});

test("what was let through lasts until nothing is left to do, other files are applied, or it is held", () => {
  const noted = { ...fresh, letThrough };
  for (const during of [applied("x"), undecided("refused"), undecided("away"), undecided("paused")]) {
    assert.deepEqual(nextRecord(noted, during, "1").letThrough, letThrough);
  }
  for (const end of [doneReport(applied("x")), applied("y"), holding]) {
    assert.equal(nextRecord(noted, end, "1").letThrough, undefined);
  }
});
