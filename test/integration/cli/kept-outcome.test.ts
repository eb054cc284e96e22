// A kept plan is held to its consequences, too: on a cluster whose nodes change while no Deployment does.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openDesk } from "../../support/desk.ts";
import { memoryCluster } from "../../support/memory-cluster.ts";

const text = (version: string) => `apiVersion: orchestra/v1
kind: Deployment
metadata: { name: web }
spec:
  image: orchestra-demo:1
  replicas: 1
  env: { V: "${version}" }
  ports: [{ name: http, containerPort: 8080, hostPort: 8080 }]
  stop: { graceSeconds: 0, drainSeconds: 0 }
`;

/** A cluster of n1 and n2, a manifest to be written, and where its plan is kept. */
async function twoNodes(t: TestContext) {
  const { run, folder, storePath } = await openDesk(t);
  const cluster = await memoryCluster(t, `file:${storePath}`);
  await cluster.host("n1");
  await cluster.host("n2");
  await cluster.master();
  const [file, plan] = [join(folder, "web.yaml"), join(folder, "plan.json")];
  return { run, file, plan };
}

test("a plan whose consequences are others now is refused and says which; when they are as they were it is carried out", async (t) => {
  const { run, file, plan } = await twoNodes(t);
  await writeFile(file, text("1"));
  const first = await run("apply", "-f", file);
  assert.equal(first.code, 0, first.stderr);
  const [pod] = JSON.parse((await run("get", "pods", "-o", "json")).stdout).items;
  const other = pod.node === "n1" ? "n2" : "n1";

  await writeFile(file, text("2"));
  const diff = await run("diff", "-f", file, "--out", plan);
  assert.deepEqual([diff.code, /downtime/.test(diff.stdout)], [1, false], diff.stdout);
  assert.equal((await run("cordon", other)).code, 0);
  const refused = await run("apply", "--plan", plan);
  assert.deepEqual([refused.code, refused.stdout], [3, ""]);
  assert.match(
    refused.stderr,
    /no longer holds: web: downtime \(web-0 must leave its host port .*\); nothing was written/,
  );
  const { error } = JSON.parse((await run("apply", "--plan", plan, "-o", "json")).stdout);
  assert.deepEqual(
    [error.code, error.details.moved[0].what, error.details.moved[0].name],
    ["conflict", "consequence", "web"],
  );

  assert.equal((await run("cordon", pod.node)).code, 0);
  const stuck = await run("apply", "--plan", plan);
  assert.equal(stuck.code, 3);
  assert.match(stuck.stderr, /web: .*1 pod without a place instead of 0 \(.*cordoned/);

  assert.equal((await run("uncordon", other)).code, 0);
  const done = await run("apply", "--plan", plan);
  assert.equal(done.code, 0, done.stderr);
  assert.match(done.stdout, /Done: 1 updated\./);
  // Found done, whatever would come of it now.
  await run("cordon", other);
  assert.deepEqual((await run("apply", "--plan", plan)).stdout, "Up to date.\n");
});

test("a plan that found no place for a pod is carried out where there is one now", async (t) => {
  const { run, file, plan } = await twoNodes(t);
  await writeFile(file, text("1").replace("replicas: 1", "replicas: 2"));
  assert.equal((await run("cordon", "n2")).code, 0);
  const diff = await run("diff", "-f", file, "--out", plan);
  assert.match(diff.stdout, /1 pod created: .*1 pod without a place/s, diff.stderr);
  assert.equal((await run("uncordon", "n2")).code, 0);
  const done = await run("apply", "--plan", plan);
  assert.deepEqual([done.code, /Done: 1 created\./.test(done.stdout)], [0, true], done.stderr);
});

test("what a plan created, and somebody deleted, is not made again where the store can tell; a plan that only creates begins anew", async (t) => {
  const { shell, run, folder, storePath } = await openDesk(t, { SUDO_USER: "ann" });
  const cluster = await memoryCluster(t, `file:${storePath}`);
  await cluster.host("n1");
  const master = await cluster.master();
  const [file, other, plan] = [join(folder, "web.yaml"), join(folder, "api.yaml"), join(folder, "plan.json")];
  const keep = (...files: readonly string[]) => run("diff", ...files.flatMap((one) => ["-f", one]), "--out", plan);
  const deleted = (more = "") => shell(`SUDO_USER=bob "$0" "$1" delete api --yes ${more}`);
  await writeFile(file, text("1"));
  assert.equal((await run("apply", "-f", file)).code, 0);
  await writeFile(file, text("2"));
  await writeFile(other, text("1").replaceAll("web", "api").replaceAll("8080", "8081"));
  await keep(file, other);
  assert.equal((await run("apply", "--plan", plan)).code, 0);
  assert.equal((await deleted()).code, 0);
  const gone = await run("apply", "--plan", plan);
  assert.equal(gone.code, 3, gone.stdout);
  assert.match(
    gone.stderr,
    /no longer holds: api was deleted since the rest of the plan was carried out, and is gone: the store does not keep by whom; nothing was written/,
  );

  await keep(other);
  assert.equal((await run("apply", "--plan", plan)).code, 0);
  assert.equal((await deleted()).code, 0);
  assert.match((await run("apply", "--plan", plan)).stdout, /Done: 1 created\./);
  // Nobody clears away what is deleted from here on.
  await master.close();
  assert.equal((await deleted("--no-wait")).code, 0);
  const going = await run("apply", "--plan", plan);
  assert.equal(going.code, 3, going.stdout);
  assert.match(going.stderr, /no longer holds: api was created by ann at 20[^,]*, and deleted by bob at 20/);
});
