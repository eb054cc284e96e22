// Plans and snapshots of a store on ZooKeeper, where versions, commits and positions are the servers' own.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, test } from "node:test";
import { openDesk } from "../../support/desk.ts";
import { endServer, storeLab } from "../../support/zookeeper-store.ts";

after(endServer);

const text = (version: string) => `apiVersion: orchestra/v1
kind: Deployment
metadata: { name: web }
spec: { image: "demo:${version}", replicas: 2, env: { PASSWORD: geheim } }
`;

test("a plan is kept, held to and carried out, and a snapshot gives the same plan", async (t) => {
  const { url } = await storeLab(t);
  const { run, folder } = await openDesk(t, { ORCHESTRA_STORE: url });
  const [file, plan, state] = [join(folder, "web.yaml"), join(folder, "plan.json"), join(folder, "state.json")];
  await writeFile(file, text("1"));
  const first = await run("apply", "-f", file);
  assert.equal(first.code, 0, first.stderr);
  await writeFile(file, text("2"));

  const kept = await run("diff", "-f", file, "--out", plan, "-o", "json");
  assert.equal(kept.code, 1, kept.stderr);
  const { token } = JSON.parse(kept.stdout);
  assert.equal((await run("snapshot", "-o", state)).code, 0);
  // Nothing but the file: there is no server at this address.
  const apart = await openDesk(t, { ORCHESTRA_STORE: "zk://127.0.0.1:1/none" });
  const planned = await apart.run("diff", "-f", file, "--from-snapshot", state, "-o", "json");
  assert.deepEqual([planned.code, JSON.parse(planned.stdout).token], [1, token], planned.stderr);

  assert.equal((await run("scale", "web", "5", "--no-wait")).code, 0);
  const refused = await run("apply", "--plan", plan);
  assert.deepEqual([refused.code, /web was changed by .* nothing was written/.test(refused.stderr)], [3, true]);
  assert.equal((await run("scale", "web", "--reset", "--no-wait")).code, 0);
  assert.equal((await run("apply", "--plan", plan)).code, 3, "another version, though it says the same");
  assert.equal((await run("diff", "-f", file, "--out", plan)).code, 1);
  assert.match((await run("apply", "--plan", plan)).stdout, /^Written: 1 updated\./m);
  assert.deepEqual((await run("apply", "--plan", plan)).stdout, "Up to date.\n");
});
