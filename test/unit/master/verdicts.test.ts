import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { openTimers } from "../../../src/master/timers.ts";
import { engineLostAfterMs, type Judgement, verdictsOf } from "../../../src/master/verdicts.ts";
import type { ControlDocument, Verdict, VerdictsDocument } from "../../../src/model/node.ts";
import { act, node } from "../../support/builders.ts";
import { rounds, seed } from "../../support/rounds.ts";

const lostAfterMs = 5_000;
const five = ["a", "b", "c", "d", "e"];

/** A leader that looks again and again. Every look says who is there. */
function leader(names: readonly string[], before?: VerdictsDocument) {
  let verdicts = before;
  let firstSeen: ReadonlyMap<string, number> = new Map();
  const controls = new Map<string, ControlDocument>();
  const silent = new Set<string>();
  const look = (now: number, present: Iterable<string>, registered = names): Judgement => {
    const timers = openTimers({ now, firstSeen, wall: `t${now}` });
    const nodes = new Map(registered.map((name) => [name, node()]));
    const judgement = verdictsOf(verdicts, { nodes, present: new Set(present), silent, controls }, timers, lostAfterMs);
    ({ verdicts } = judgement);
    firstSeen = timers.seen;
    return judgement;
  };
  return { look, controls, silent, verdicts: () => verdicts ?? assert.fail() };
}

/** `a+ b? c- d!`: present, absent, lost, present with a lost engine; `held` when it is. */
function textOf({ nodes, hold }: VerdictsDocument): string {
  const marks = { present: "+", absent: "?", lost: "-" };
  const markOf = (verdict: Verdict) => ("engineLost" in verdict ? "!" : marks[verdict.state]);
  const all = Object.entries(nodes).map(([name, verdict]) => `${name}${markOf(verdict)}`);
  return [...all, ...(hold ? ["held"] : [])].join(" ");
}

test("a node is present while its worker is there, then absent, and lost after the grace", () => {
  const { look, verdicts } = leader(["a", "b"]);
  assert.deepEqual(look(0, ["a"]), {
    verdicts: { nodes: { a: { state: "present" }, b: { state: "absent", since: "t0" } } },
    againInMs: lostAfterMs,
  });
  assert.equal(look(lostAfterMs - 1, ["a"]).againInMs, 1);
  assert.equal(textOf(verdicts()), "a+ b?");
  assert.deepEqual(look(lostAfterMs, ["a"]), {
    verdicts: { nodes: { a: { state: "present" }, b: { state: "lost", since: "t5000" } } },
  });
  look(6_000, ["a", "b"]);
  assert.equal(textOf(verdicts()), "a+ b+");
});

test("a node that comes back in between has the whole grace again", () => {
  const { look, verdicts } = leader(["a", "b"]);
  look(0, ["a"]);
  look(4_000, ["a", "b"]);
  look(4_500, ["a"]);
  look(9_000, ["a"]);
  assert.equal(textOf(verdicts()), "a+ b?");
});

test("a new leader waits for the whole grace again, and leaves lost what is lost", () => {
  const first = leader(["a", "b"]);
  first.look(0, ["a"]);
  const second = leader(["a", "b"], first.verdicts());
  second.look(100_000, ["a"]);
  assert.equal(textOf(second.verdicts()), "a+ b?");
  assert.deepEqual(second.verdicts().nodes["b"], { state: "absent", since: "t0" });
  second.look(105_000, ["a"]);
  assert.equal(textOf(second.verdicts()), "a+ b-");
  const third = leader(["a", "b"], second.verdicts());
  assert.equal(third.look(0, ["a"]).againInMs, undefined);
  assert.equal(textOf(third.verdicts()), "a+ b-");
});

test("what has not changed is the same object, so nothing is written", () => {
  const { look, verdicts } = leader(five);
  for (const present of [["a", "b", "c", "d"], ["a", "b"], five]) {
    look(0, present);
    const before = verdicts();
    look(1, present);
    assert.equal(verdicts(), before);
  }
});

test("a node that is no longer registered has no verdict, nor has a stranger that never was", () => {
  const { look, verdicts } = leader(["a", "b"]);
  look(0, ["a", "stranger"]);
  look(1, ["a"], ["a"]);
  assert.equal(textOf(verdicts()), "a+");
});

const holds: readonly { name: string; nodes: readonly string[]; present: readonly string[]; want: string }[] = [
  { name: "one of three", nodes: ["a", "b", "c"], present: ["a", "b"], want: "a+ b+ c-" },
  { name: "two of three", nodes: ["a", "b", "c"], present: ["a"], want: "a+ b? c? held" },
  { name: "half of four", nodes: ["a", "b", "c", "d"], present: ["a", "b"], want: "a+ b+ c? d? held" },
  { name: "two of five", nodes: five, present: ["a", "b", "c"], want: "a+ b+ c+ d- e-" },
  { name: "all of three", nodes: ["a", "b", "c"], present: [], want: "a? b? c? held" },
  { name: "one of two: too few to tell", nodes: ["a", "b"], present: ["a"], want: "a+ b-" },
  { name: "the only one", nodes: ["a"], present: [], want: "a-" },
];
for (const { name, nodes, present, want } of holds) {
  test(`absent for long, ${name}: ${want}`, () => {
    const { look, verdicts } = leader(nodes);
    for (const now of [0, 5_000, 60_000]) look(now, present);
    assert.equal(textOf(verdicts()), want);
  });
}

test("a hold says who is absent and since when, and ends as soon as enough are back; the grace of the others begins anew", () => {
  const { look, verdicts } = leader(["a", "b", "c", "d"]);
  look(0, ["a", "b", "c"]);
  look(4_000, ["a"]);
  assert.deepEqual(verdicts().hold, { since: "t4000", reason: "3 of 4 nodes are absent: b, c, d" });
  look(50_000, ["a", "b"]);
  assert.deepEqual(verdicts().hold, { since: "t4000", reason: "2 of 4 nodes are absent: c, d" });
  look(60_000, ["a", "b", "c"]);
  assert.equal(textOf(verdicts()), "a+ b+ c+ d?");
  look(64_999, ["a", "b", "c"]);
  assert.equal(textOf(verdicts()), "a+ b+ c+ d?");
  look(65_000, ["a", "b", "c"]);
  assert.equal(textOf(verdicts()), "a+ b+ c+ d-");
});

test("cordoned nodes and those that are being forgotten do not count for the hold", () => {
  const { look, controls, verdicts } = leader(["a", "b", "c", "d"]);
  look(0, ["a", "b"]);
  assert.equal(textOf(verdicts()), "a+ b+ c? d? held");
  controls.set("d", { forget: act });
  look(1, ["a", "b"]);
  assert.equal(textOf(verdicts()), "a+ b+ c? d?");
  controls.set("d", {}).set("b", { cordoned: act });
  look(2, ["a", "b"]);
  assert.equal(textOf(verdicts()), "a+ b+ c? d? held");
  controls.set("d", { cordoned: act }).set("b", {});
  look(3, ["a", "b"]);
  assert.equal(textOf(verdicts()), "a+ b+ c? d?");
});

test("an engine is lost once it has been silent for a minute, and no longer when it is heard or its worker goes", () => {
  const { look, silent, verdicts } = leader(["a", "b"]);
  const both = ["a", "b"];
  look(0, both);
  silent.add("b");
  assert.equal(look(1_000, both).againInMs, engineLostAfterMs);
  look(60_999, both);
  assert.equal(textOf(verdicts()), "a+ b+");
  look(61_000, both);
  assert.deepEqual(verdicts().nodes["b"], { state: "present", engineLost: "t61000" });
  const lost = verdicts();
  assert.equal(look(62_000, both).againInMs, undefined);
  assert.equal(verdicts(), lost, "nothing is written");
  look(63_000, ["a"]);
  assert.equal(textOf(verdicts()), "a+ b?");
  look(64_000, both);
  assert.equal(textOf(verdicts()), "a+ b+", "who is back has the whole time again");
  look(124_000, both);
  assert.equal(textOf(verdicts()), "a+ b!");
  silent.clear();
  look(125_000, both);
  assert.equal(textOf(verdicts()), "a+ b+");
});

test("a new leader waits for the whole minute of silence again, and leaves lost the engine that is lost", () => {
  const first = leader(["a", "b"]);
  first.silent.add("b");
  first.look(0, ["a", "b"]);
  const second = leader(["a", "b"], first.verdicts());
  second.silent.add("b");
  second.look(100_000, ["a", "b"]);
  assert.equal(textOf(second.verdicts()), "a+ b+");
  second.look(160_000, ["a", "b"]);
  const third = leader(["a", "b"], second.verdicts());
  third.silent.add("b");
  third.look(0, ["a", "b"]);
  assert.equal(textOf(third.verdicts()), "a+ b!");
});

test("silent engines and absent nodes count for one hold, and the minute begins anew after it", () => {
  const { look, silent, verdicts } = leader(["a", "b", "c", "d"]);
  silent.add("b").add("c");
  const all = ["a", "b", "c", "d"];
  look(0, all);
  assert.equal(verdicts().hold?.reason, "2 of 4 nodes are absent or have a silent engine: b, c");
  look(70_000, all);
  silent.delete("b");
  look(80_000, all);
  look(139_999, all);
  assert.equal(textOf(verdicts()), "a+ b+ c+ d+");
  look(140_000, all);
  assert.equal(textOf(verdicts()), "a+ b+ c! d+");
  look(141_000, ["a", "b", "c"]);
  assert.equal(textOf(verdicts()), "a+ b+ c! d? held");
});

const looks = fc.array(
  fc.record({ afterMs: fc.nat(4_000), present: fc.subarray(five), newLeader: fc.integer({ min: 0, max: 9 }) }),
  { maxLength: 60 },
);

test("whoever is lost has been seen absent for the whole grace, by one leader, without a hold; and nobody who is there is lost", () => {
  fc.assert(
    fc.property(looks, (steps) => {
      let current = leader(five);
      let now = 0;
      const absentSince = new Map<string, number>();
      let before: VerdictsDocument | undefined;
      for (const { afterMs, present, newLeader } of steps) {
        now += afterMs;
        if (newLeader === 0) {
          current = leader(five, before);
          absentSince.clear();
        }
        current.look(now, present);
        const after = current.verdicts();
        const held = (five.length - present.length) * 2 >= five.length;
        assert.equal(after.hold !== undefined, held);
        for (const name of five) {
          if (present.includes(name) || held) absentSince.delete(name);
          else if (!absentSince.has(name)) absentSince.set(name, now);
          const state = after.nodes[name]?.state;
          if (present.includes(name)) assert.equal(state, "present");
          else if (state === "lost" && before?.nodes[name]?.state !== "lost")
            assert.ok(now - (absentSince.get(name) ?? now) >= lostAfterMs, `${name} at ${now}`);
        }
        before = after;
      }
    }),
    { numRuns: rounds * 20, seed },
  );
});
