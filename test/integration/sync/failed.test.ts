// A pass that fails although source and store are there: it is told until one succeeds, and not tried again and again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeCommit } from "../../../src/store/encode.ts";
import type { Store } from "../../../src/store/store.ts";
import { throughout } from "../../support/eventually.ts";
import { manifestText, syncLab, withOthers } from "../../support/sync-lab.ts";

/** A store that takes little at once. */
const small = (store: Store) =>
  withOthers(store, {
    async commit(commit) {
      encodeCommit(commit, 10_000);
      return store.commit(commit);
    },
  });
const tooLarge = manifestText("big", "a:1", `, env: { TEXT: "${"x".repeat(20_000)}" }`);

test("what the store refuses is an outcome with its reason, until it is mended", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", manifestText("web", "a:1"));
  const sync = await lab.start({ through: small });
  await lab.settled({ web: "a:1" });
  await lab.write("big.yaml", tooLarge);
  await lab.write("web.yaml", manifestText("web", "a:2"));
  const { pass, applied } = await lab.told("it has failed", ({ pass }) => pass?.outcome === "failed");
  assert.match(pass?.errors[0] ?? "", /bytes.*; \w/);
  assert.equal(applied?.deployments, 1);
  assert.deepEqual(await lab.images(), { web: "a:1" });
  await throughout(500, async () => assert.equal((await lab.document())?.pass?.outcome, "failed"));
  assert.ok(sync.reading().failures >= 1);
  await lab.remove("big.yaml");
  await lab.settled({ web: "a:2" });
  await lab.told("it is over", ({ pass }) => pass?.outcome === "synced");
});
