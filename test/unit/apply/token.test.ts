// A token names one change of documents as they are: the same whoever plans it and when, another one for anything else.
import assert from "node:assert/strict";
import { test } from "node:test";
import { planApply, planScale } from "../../../src/apply/plan.ts";
import { type BoundItem, bondOf, tokenOf } from "../../../src/apply/token.ts";
import { author, committed, nothingKnown, wanted } from "../../support/plans.ts";

const items: readonly BoundItem[] = [
  { name: "api", action: "create", writes: { manifestHash: "0123456789ab", revision: "ba9876543210" } },
  { name: "web", action: "unchanged", base: { uid: "ann00000000", version: 3, generation: 2 } },
];

test("a token stays what it is from release to release", () => {
  assert.equal(tokenOf({ cluster: "c1c2c3c4", source: "cli", items }), "b26bd294f22a");
  assert.equal(tokenOf({ source: "cli", items: [] }), "583aa39ac44b");
});

const others: readonly { readonly what: string; readonly token: string }[] = [
  { what: "another cluster", token: tokenOf({ cluster: "00000000", source: "cli", items }) },
  { what: "no cluster", token: tokenOf({ source: "cli", items }) },
  { what: "another source", token: tokenOf({ cluster: "c1c2c3c4", source: "shop", items }) },
  { what: "one Deployment fewer", token: tokenOf({ cluster: "c1c2c3c4", source: "cli", items: items.slice(1) }) },
  ...[
    { action: "delete" as const },
    { base: { uid: "ann00000000", version: 4, generation: 2 } },
    { base: { uid: "bob00000000", version: 3, generation: 2 } },
    { writes: { manifestHash: "0123456789ac", revision: "ba9876543210" } },
    { writes: { manifestHash: "0123456789ab", revision: "ba9876543211" } },
    { writes: { manifestHash: "0123456789ab", revision: "ba9876543210", replicas: 0 } },
    { writes: { manifestHash: "0123456789ab", revision: "ba9876543210", replicas: 2 } },
  ].map((other) => ({
    what: JSON.stringify(other),
    token: tokenOf({ cluster: "c1c2c3c4", source: "cli", items: items.map((item) => ({ ...item, ...other })) }),
  })),
];

test("whatever else a plan is bound to gives another token", () => {
  const tokens = [tokenOf({ cluster: "c1c2c3c4", source: "cli", items }), ...others.map(({ token }) => token)];
  assert.equal(new Set(tokens).size, tokens.length, JSON.stringify(others));
});

test("neither who plans, nor when, nor the order of the files, nor another's Deployment changes a token", () => {
  const state = committed(nothingKnown, planApply(nothingKnown, [wanted("web"), wanted("other")], author()));
  const files = [wanted("web", { image: "demo:2" }), wanted("api")];
  const tokenAt = (known: typeof state, by: string, wants = files) =>
    tokenOf(bondOf(planApply(known, wants, author(by, `${by}'s time`)), { cluster: "c1c2c3c4", source: "cli" }));
  const token = tokenAt(state, "ann");
  assert.equal(tokenAt(state, "bob", files.toReversed()), token);
  const scaled = (name: string) => committed(state, planScale(state, name, 4, author("eve")));
  assert.equal(tokenAt(scaled("other"), "ann"), token);
  assert.notEqual(tokenAt(scaled("web"), "ann"), token);
});
