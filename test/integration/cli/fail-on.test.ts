// `diff --fail-on` and `-o markdown` on a cluster that runs: the consequences are those of its pods and nodes.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { memoryCluster } from "../../support/memory-cluster.ts";
import { tempFolder } from "../../support/temp-folder.ts";

test("diff fails on what it is asked to look for, and its comment says the same", async (t) => {
  const cluster = await memoryCluster(t, `file:${join(await tempFolder(t), "store.db")}`);
  await cluster.host("n1");
  await cluster.master();
  const old = await cluster.manifest("web", { replicas: 2, version: "1" });
  assert.equal((await cluster.run(["apply", "-f", old])).code, 0);
  await cluster.settled(new Map([["web", { replicas: 2, version: "1" }]]));
  const diff = (file: string, ...words: readonly string[]) => cluster.run(["diff", "-f", file, ...words]);

  const replaced = await cluster.manifest("web", { replicas: 2, version: "2" });
  assert.equal((await diff(old, "--fail-on", "downtime,delete,replace,unplaceable")).code, 0);
  assert.equal((await diff(replaced)).code, 1);
  assert.equal((await diff(replaced, "--fail-on", "downtime,delete", "--fail-on", "unplaceable")).code, 1);
  const failed = await diff(replaced, "--fail-on", "downtime,replace", "-o", "markdown");
  assert.equal(failed.code, 3, failed.stderr);
  assert.equal(failed.stderr, "Failed by --fail-on replace: web (2 pods).\n");
  assert.match(failed.stdout, /^:no_entry: \*\*Fails on `replace`\*\*$/m);
  assert.match(failed.stdout, /^\| `web` \| update \| 0 \| 2 \| 0 \| 0 \| 0 \| 0 \| no \|$/m);
  assert.match(failed.stdout, /^! spec\.env\.VERSION: \*\*\* \(before\) → \*\*\* \(after\)$/m);
  const { code, stdout } = await diff(replaced, "--fail-on", "replace", "-o", "json");
  const { failures, token } = JSON.parse(stdout);
  assert.deepEqual([code, failures], [3, [{ on: "replace", deployment: "web", message: "2 pods" }]]);
  assert.match(failed.stdout, new RegExp(`^Token \`${token}\`$`, "m"));

  const none = await cluster.manifest("web", { replicas: 0, version: "1" });
  assert.match((await diff(none, "--fail-on", "downtime")).stderr, /--fail-on downtime: web \(it is scaled to 0\)/);
  const large = join(cluster.folder, "large.yaml");
  const resources = "resources: { memory: 900Ti }";
  await writeFile(
    large,
    `{ apiVersion: orchestra/v1, kind: Deployment, metadata: { name: big }, spec: { image: demo, ${resources} } }`,
  );
  const unplaceable = await diff(large, "--fail-on", "unplaceable");
  assert.deepEqual([unplaceable.code, unplaceable.stderr], [3, "Failed by --fail-on unplaceable: big (1 pod).\n"]);

  const wrong = await diff(old, "--fail-on", "nonsense");
  assert.equal(wrong.code, 2);
  assert.match(wrong.stderr, /one of: downtime, delete, replace, unplaceable/);
});
