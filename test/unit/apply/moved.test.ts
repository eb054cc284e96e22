// What a kept plan is refused for, in words, and the law of it: what is carried out later is what was planned, or nothing.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { Wanted } from "../../../src/apply/document.ts";
import { movedCluster, movedDeployments, movedFiles } from "../../../src/apply/moved.ts";
import { changesAnything, type KnownState, planApply, planDelete, planScale } from "../../../src/apply/plan.ts";
import { type Bond, bondOf, tokenOf } from "../../../src/apply/token.ts";
import { heldTo, type KeptPlan } from "../../../src/cli/change/kept-plan.ts";
import { isOrchestraError } from "../../../src/model/errors.ts";
import { author, committed, nothingKnown, wanted } from "../../support/plans.ts";
import { rounds, seed } from "../../support/rounds.ts";

const file = (name: string, sha256: string) => ({ file: name, sha256 });
const kept = [file("m/a.yaml", "1"), file("m/b.yaml", "2")];
const fileCases = [
  { name: "the same files", now: kept, want: [] },
  { name: "another checkout of the same", now: [file("x/b.yaml", "2"), file("x/a.yaml", "1")], want: [] },
  { name: "one changed", now: [file("m/a.yaml", "1"), file("m/b.yaml", "3")], want: ["m/b.yaml was changed"] },
  { name: "one went", now: [file("m/b.yaml", "2")], want: ["m/a.yaml went away"] },
  { name: "one appeared", now: [...kept, file("m/c.yaml", "9")], want: ["m/c.yaml appeared"] },
  {
    name: "what was only renamed is not told beside a change",
    now: [file("m/z.yaml", "1"), file("m/b.yaml", "3")],
    want: ["m/b.yaml was changed"],
  },
  { name: "a copy is one more", now: [...kept, file("m/c.yaml", "1")], want: ["m/c.yaml appeared"] },
];
for (const { name, now, want } of fileCases) {
  test(`files: ${name}`, () => {
    const found = movedFiles(kept, now).map(({ message }) => message);
    assert.deepEqual(
      found,
      want.map((text) => `the file ${text} since`),
    );
  });
}

const clusterCases = [
  { kept: { id: "a", incarnation: 2 }, now: { id: "a", incarnation: 2 }, want: undefined },
  { kept: undefined, now: undefined, want: undefined },
  { kept: undefined, now: { id: "a", incarnation: 1 }, want: /a cluster \(a\) was made/ },
  { kept: { id: "a", incarnation: 1 }, now: undefined, want: /holds no cluster/ },
  { kept: { id: "a", incarnation: 1 }, now: { id: "b", incarnation: 1 }, want: /another cluster \(b\).*made for a/ },
  { kept: { id: "a", incarnation: 1 }, now: { id: "a", incarnation: 2 }, want: /replaced since.*incarnation 2.*on 1/ },
  { kept: { id: "a", incarnation: 2 }, now: { id: "a", incarnation: 1 }, want: /older copy.*incarnation 1.*on 2/ },
];
for (const { kept, now, want } of clusterCases) {
  test(`cluster: ${JSON.stringify(kept)} then, ${JSON.stringify(now)} now`, () => {
    const moved = movedCluster(kept, now)?.message;
    if (want) assert.match(moved ?? "", want);
    else assert.equal(moved, undefined);
  });
}

const goneText = "was deleted since, and is gone: the store does not keep by whom";
const bond = (state: KnownState, files: readonly Wanted[]): Bond =>
  bondOf(planApply(state, files, author()), { cluster: "c1", source: "cli" });
const web = [wanted("web", { image: "demo:2" })];
const applied = (state: KnownState, files: readonly Wanted[], by: string) =>
  committed(state, planApply(state, files, author(by, "noon")));
const first = applied(nothingKnown, [wanted("web")], "ann");
const without: KnownState = { ...first, deployments: new Map() };
const scaled = (state: KnownState, name: string, by = "bob", at = "night") =>
  committed(state, planScale(state, name, 7, author(by, at)));
const deleted = (state: KnownState, name: string, at = "night") =>
  committed(state, planDelete(state, [name], true, author("bob", at)));
const cleared = (state: KnownState, name: string): KnownState => ({
  ...state,
  deployments: new Map([...state.deployments].filter(([one]) => one !== name)),
});
const both = [...web, wanted("api")];
const done = applied(first, both, "ann");

interface Move {
  readonly name: string;
  readonly from: KnownState;
  readonly to: KnownState;
  readonly files?: readonly Wanted[];
  readonly want: readonly string[];
}
const moves: readonly Move[] = [
  { name: "nothing", from: first, to: first, want: [] },
  {
    name: "another's change",
    from: first,
    to: committed(first, planScale(first, "web", 7, author("bob", "noon"))),
    want: ["web was changed by bob at noon (now generation 2, the plan rests on 1)"],
  },
  {
    name: "another's deletion",
    from: first,
    to: committed(first, planDelete(first, ["web"], true, author("bob", "noon"))),
    want: ["web was deleted by bob at noon (now generation 2, the plan rests on 1)"],
  },
  { name: "a deletion that is over", from: first, to: without, want: [`web ${goneText}`] },
  { name: "another's creation", from: nothingKnown, to: first, want: ["web was created by ann at noon"] },
  {
    name: "a creation after a deletion",
    from: first,
    to: applied(nothingKnown, [wanted("web")], "eve"),
    want: ["web was deleted and created anew by eve at noon"],
  },
  {
    name: "a creation that somebody has changed",
    from: nothingKnown,
    to: scaled(first, "web"),
    want: ["web was created by ann at noon, and changed by bob at night"],
  },
  {
    name: "a creation that somebody is deleting",
    from: nothingKnown,
    to: deleted(first, "web"),
    want: ["web was created by ann at noon, and deleted by bob at night"],
  },
  {
    name: "a creation after a deletion, being deleted again",
    from: first,
    to: deleted(applied(nothingKnown, [wanted("web")], "eve"), "web"),
    want: ["web was deleted and created anew by eve at noon, and deleted by bob at night"],
  },
  {
    name: "its own creation that is gone, told by what else it has written",
    from: first,
    to: cleared(done, "api"),
    files: both,
    want: ["api was deleted since the rest of the plan was carried out, and is gone: the store does not keep by whom"],
  },
  {
    name: "its own creation that is gone, and a change of the rest",
    from: first,
    to: scaled(cleared(done, "api"), "web"),
    files: both,
    want: ["web was changed by bob at night (now generation 3, the plan rests on 1)"],
  },
  {
    name: "its own creation that is being deleted, and what else it has written",
    from: first,
    to: deleted(done, "api"),
    files: both,
    want: ["api was created by ann at noon, and deleted by bob at night"],
  },
];
for (const { name, from, to, files = web, want } of moves) {
  test(`Deployments: ${name}`, () => {
    const found = movedDeployments(bond(from, files), bond(to, files), to).map(({ message }) => message);
    assert.deepEqual(found, want);
  });
}

const name = fc.constantFrom("web", "api", "db");
const step = fc.oneof(
  fc.record({ do: fc.constant("apply" as const), name, image: fc.constantFrom("demo:1", "demo:2", "demo:3") }),
  fc.record({ do: fc.constant("scale" as const), name, count: fc.nat(3) }),
  fc.record({ do: fc.constant("delete" as const), name }),
  fc.record({ do: fc.constant("gone" as const), name }),
);
const files = fc
  .uniqueArray(fc.record({ name, image: fc.constantFrom("demo:1", "demo:2") }), { selector: ({ name }) => name })
  .map((all) => all.map(({ name, image }) => wanted(name, { image })));

/** As in a store, no two Deployments ever have the same uid. */
let uids = 0;
const bob = () => ({ ...author("bob"), newUid: () => `uid${uids++}` });

function after(state: KnownState, one: typeof step extends fc.Arbitrary<infer T> ? T : never): KnownState {
  if (one.do === "apply") return committed(state, planApply(state, [wanted(one.name, { image: one.image })], bob()));
  const found = state.deployments.get(one.name)?.value;
  if (one.do === "gone")
    return { ...state, deployments: new Map([...state.deployments].filter(([n]) => n !== one.name)) };
  if (!found || found.deleted) return state;
  if (one.do === "delete") return committed(state, planDelete(state, [one.name], true, bob()));
  return committed(state, planScale(state, one.name, one.count, bob()));
}

/** What a store says after it, as far as it is not random or a time. */
function outcome(state: KnownState, named: readonly Wanted[]) {
  return named.map(({ spec }) => {
    const { uid: _u, created: _c, updated: _t, ...rest } = state.deployments.get(spec.name)?.value ?? {};
    return JSON.stringify(rest);
  });
}

test("whatever others do meanwhile, a kept plan does what it said, finds it done, or is refused with a reason", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 8 }), files, fc.array(step, { maxLength: 3 }), (before, wants, between) => {
      const state = before.reduce(after, nothingKnown);
      const cluster = { id: "c1", incarnation: 1, layout: 1, networkRange: "", createdAt: "" };
      const kept: KeptPlan = {
        token: tokenOf(bond(state, wants)),
        paths: [],
        files: [],
        cluster,
        bond: bond(state, wants),
        outcomes: new Map(),
        origin: { source: "cli" },
      };
      const promised = outcome(committed(state, planApply(state, wants, author())), wants);
      for (const start of [state, committed(state, planApply(state, wants, author()))]) {
        const now = between.reduce(after, start);
        try {
          const plan = heldTo(kept, cluster, (known) => planApply(known, wants, author("eve")))(now);
          if (start !== state && between.length === 0) assert.equal(changesAnything(plan), false);
          assert.deepEqual(outcome(committed(now, plan), wants), promised);
        } catch (error) {
          if (!isOrchestraError(error, "conflict")) throw error;
          assert.notEqual(between.length, 0, error.message);
          assert.match(error.message, /no longer holds: (web|api|db) .*; nothing was written/);
        }
      }
    }),
    { numRuns: rounds * 20, seed },
  );
});
