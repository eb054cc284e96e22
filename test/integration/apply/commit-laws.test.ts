// The law of a commit, on a real embedded store: whatever others do between the plan and its commit, and between its attempts,
// what is written for each Deployment is what was shown, on top of what was shown, or nothing.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { commitPlan, knownState, planSelectors } from "../../../src/apply/commit.ts";
import type { Author, Wanted } from "../../../src/apply/document.ts";
import {
  type KnownState,
  type Plan,
  type PlanItem,
  planApply,
  planDelete,
  planScale,
} from "../../../src/apply/plan.ts";
import type { DeploymentDocument } from "../../../src/model/deployment.ts";
import { isOrchestraError } from "../../../src/model/errors.ts";
import { deploymentKey, revisionKey } from "../../../src/model/keys.ts";
import type { PodTemplate } from "../../../src/model/template.ts";
import { openEmbedded } from "../../../src/store/embedded.ts";
import { type Change, type Commit, remove, type Snapshot, type Store } from "../../../src/store/store.ts";
import { author, wanted } from "../../support/plans.ts";
import { roundsOf, seed } from "../../support/rounds.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const options = { numRuns: 30 * roundsOf({ test: 10, soak: 50 }), seed };

const name = fc.constantFrom("web", "api", "db");
const manifest = fc
  .record({ name, image: fc.constantFrom("demo:1", "demo:2"), replicas: fc.constantFrom(undefined, 1, 2) })
  .map(({ name, image, replicas }) => wanted(name, { image, ...(replicas === undefined ? {} : { replicas }) }));
const names = fc.uniqueArray(name, { minLength: 1, maxLength: 3, size: "max" });
const files = fc.uniqueArray(manifest, { minLength: 1, maxLength: 3, size: "max", selector: ({ spec }) => spec.name });

type Wish =
  | { readonly do: "apply"; readonly files: readonly Wanted[] }
  | { readonly do: "delete"; readonly names: readonly string[] }
  | { readonly do: "scale"; readonly name: string; readonly count: number };

const wish: fc.Arbitrary<Wish> = fc.oneof(
  { weight: 4, arbitrary: files.map((some) => ({ do: "apply" as const, files: some })) },
  { weight: 2, arbitrary: names.map((some) => ({ do: "delete" as const, names: some })) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("scale" as const), name, count: fc.nat(3) }) },
);

/** What others may do: something, a part of what we do, what the master does, and what should not happen. */
type Act =
  | Wish
  | { readonly do: "echo"; readonly names: readonly string[] }
  | { readonly do: "finish" | "lose template" | "clear history"; readonly name: string };

const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 4, arbitrary: wish },
  { weight: 4, arbitrary: names.map((some) => ({ do: "echo" as const, names: some })) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("finish" as const), name }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("lose template", "clear history"), name }) },
);

function planOf(wished: Wish, by: Author): (state: KnownState) => Plan {
  switch (wished.do) {
    case "apply":
      return (state) => planApply(state, wished.files, by);
    case "delete":
      return (state) => planDelete(state, wished.names, false, by);
    case "scale":
      return (state) => planScale(state, wished.name, wished.count, by);
  }
}

/** The part of our wish that is about these names. */
function echoOf(ours: Wish, names: readonly string[]): Wish {
  switch (ours.do) {
    case "apply":
      return { do: "apply", files: ours.files.filter(({ spec }) => names.includes(spec.name)) };
    case "delete":
      return { do: "delete", names: ours.names.filter((name) => names.includes(name)) };
    case "scale":
      return ours;
  }
}

/** Nothing where it is refused: that is the other's own affair. */
async function carryOut(store: Store, asked: Act, ours: Wish): Promise<void> {
  const done = asked.do === "echo" ? echoOf(ours, asked.names) : asked;
  const found = await store.list(planSelectors);
  try {
    if (done.do === "apply" || done.do === "delete" || done.do === "scale") {
      const plan = planOf(done, author("bob"));
      await commitPlan(store, plan(knownState(found)), plan);
    } else {
      await store.commit({ changes: removals(found, done.do, done.name) });
    }
  } catch (error) {
    if (!isOrchestraError(error, "conflict") && !isOrchestraError(error, "not-found")) throw error;
  }
}

function removals(found: Snapshot, what: "finish" | "lose template" | "clear history", of: string): Change[] {
  const document = found.get(deploymentKey(of));
  const templates = found.list("revisions").filter(({ key }) => key.startsWith(`revisions/${of}/`));
  const isNamed = (key: string) => document !== undefined && key === revisionKey(of, document.value.revision);
  const some = templates.filter(({ key }) => what === "finish" || isNamed(key) === (what === "lose template"));
  const all = [...some, ...(what === "finish" && document ? [document] : [])];
  if (what === "finish" && !document?.value.deleted) return [];
  return all.map(({ key, version }) => remove(key, version));
}

async function empty(store: Store): Promise<void> {
  const found = await store.list(planSelectors);
  const all = [...found.list("deployments"), ...found.list("revisions")];
  await store.commit({ changes: all.map(({ key, version }) => remove(key, version)) });
}

interface WroteOn {
  readonly before: Snapshot;
  readonly changes: readonly Change[];
}

/** The store as we see it: before each of our attempts others do the next of their acts. Remembers what we wrote, and on what. */
function disturbed(store: Store, acts: readonly (readonly Act[])[], ours: Wish) {
  const wrote: WroteOn[] = [];
  let attempts = 0;
  return {
    wrote,
    list: () => store.list(planSelectors),
    async commit(commit: Commit) {
      for (const done of acts[attempts] ?? []) await carryOut(store, done, ours);
      attempts += 1;
      const before = await store.list(planSelectors);
      const position = await store.commit(commit);
      wrote.push({ before, changes: commit.changes });
      return position;
    },
  };
}

/** What people were shown of a document; the rest depends on whether it is the same Deployment. */
function content({ uid, generation, history, created, ...rest }: DeploymentDocument) {
  return rest;
}

function checkWritten({ before, changes }: WroteOn, shown: ReadonlyMap<string, PlanItem>): void {
  const written = new Map(changes.map((change) => [change.key as string, change]));
  for (const [key, change] of written) {
    assert.equal(change.do, "put");
    if (change.do !== "put" || !key.startsWith("deployments/")) continue;
    const document = change.value as DeploymentDocument;
    const item = shown.get(key.slice("deployments/".length));
    assert.ok(item?.after, `${key} was shown as ${item?.action}, and is written`);
    assert.deepEqual(content(document), content(item.after));
    const there = before.get(deploymentKey(item.name));
    if (there) assert.deepEqual([there.value, document.uid], [item.before?.value, item.before?.value.uid]);
    else assert.ok(!item.before || item.before.value.deleted, `${key} was there when it was shown, and is created`);
  }
  const templates = [...shown.values()].map(({ name, after, revision }): [string, PodTemplate | undefined] => {
    return [revisionKey(name, after?.revision ?? ""), revision?.template];
  });
  for (const [key, change] of written) {
    if (!key.startsWith("revisions/") || change.do !== "put") continue;
    assert.deepEqual(change.value, new Map(templates).get(key as ReturnType<typeof revisionKey>), `${key} was shown`);
  }
}

test("whatever others do meanwhile: what is written is what was shown, on top of what was shown, or nothing", async (t) => {
  const store = await openEmbedded(join(await tempFolder(t), "store.db"), { create: true });
  t.after(() => store.close());
  const scenario = fc.record({
    earlier: fc.array(act, { minLength: 1, maxLength: 5, size: "max" }),
    ours: wish,
    meanwhile: fc.array(fc.array(act, { maxLength: 4, size: "max" }), { minLength: 1, maxLength: 3, size: "max" }),
  });
  const law = async ({ earlier, ours, meanwhile }: typeof scenario extends fc.Arbitrary<infer T> ? T : never) => {
    await empty(store);
    for (const done of earlier) await carryOut(store, done, ours);
    const plan = planOf(ours, author("ann"));
    const own = disturbed(store, meanwhile, ours);
    let planned: Plan;
    try {
      planned = plan(knownState(await store.list(planSelectors)));
    } catch (error) {
      if (isOrchestraError(error)) return;
      throw error;
    }
    const shown = new Map(planned.items.map((item) => [item.name, item]));
    const end = await commitPlan(own, planned, plan).catch((error: unknown) => {
      if (!isOrchestraError(error, "conflict")) throw error;
      assert.doesNotMatch(
        error.message,
        /^(deployments|revisions)\//,
        "people are told of Deployments, not of documents",
      );
      return undefined;
    });
    assert.ok(own.wrote.length <= (end ? 1 : 0), "a refusal writes nothing");
    for (const written of own.wrote) checkWritten(written, shown);
  };
  await fc.assert(fc.asyncProperty(scenario, law), options);
});
