// A thousand Deployments are one commit, and one that is refused leaves nothing but revisions that nobody names.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { deploymentKey, revisionKey } from "../../../src/model/keys.ts";
import { type Change, put } from "../../../src/store/store.ts";
import { conflictAt } from "../../contract/store-harness.ts";
import { act, deployment, template } from "../../support/builders.ts";
import { endServer, storeLab } from "../../support/zookeeper-store.ts";

after(endServer);

/** As large as people write them. */
function changesOf(count: number, env: string): Change[] {
  return Array.from({ length: count }, (_, index) => {
    const name = `deployment-with-a-name-of-a-usual-length-${index}`;
    const document = deployment({
      revision: "0123456789ab",
      history: Array.from({ length: 3 }, (_, age) => `${age}23456789abc`),
      labels: { team: "shop" },
      created: act,
      updated: act,
    });
    return [
      put(revisionKey(name, "0123456789ab"), template({ env: { TEXT: env } }), "absent"),
      put(deploymentKey(name), document, "absent"),
    ];
  }).flat();
}

test("a thousand Deployments with their revisions are one commit: others see all of them or none", async (t) => {
  const lab = await storeLab(t);
  const [{ store }, { store: other }] = [await lab.open(), await lab.open()];
  const view = await other.view(["deployments"]);
  const seen = new Set<number>();
  view.onChange(() => seen.add(view.snapshot().list("deployments").length));
  // Far more than a transaction carries: the revisions go first.
  await store.commit({ changes: changesOf(1_000, "x".repeat(2_000)) });
  assert.equal((await other.list(["deployments"])).list("deployments").length, 1_000);
  assert.deepEqual(
    [...seen].filter((count) => count !== 0),
    [1_000],
  );
});

test("of a thousand with one conflict nothing is written but revisions, and the next attempt takes those", async (t) => {
  const lab = await storeLab(t);
  const { store } = await lab.open();
  const changes = changesOf(1_000, "x".repeat(2_000));
  const last = changes.at(-1) as Change;
  await store.commit({ changes: [last] });
  await assert.rejects(store.commit({ changes }), conflictAt(last.key));
  assert.equal((await store.list(["deployments"])).list("deployments").length, 1);
  await store.commit({ changes: changes.slice(0, -1) });
  assert.equal((await store.list(["deployments"])).list("deployments").length, 1_000);
});

test("what does not fit is refused before anything is written", async (t) => {
  const lab = await storeLab(t);
  const { store } = await lab.open();
  const position = await store.commit({ changes: [] });
  const commit = store.commit({ changes: changesOf(4_000, "x".repeat(2_000)) });
  await assert.rejects(commit, { code: "invalid", message: /larger than this store takes/, hint: /fewer manifests/ });
  assert.equal((await store.list(["revisions"])).position, position);
});
