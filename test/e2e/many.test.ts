// Many at once: clusters on one engine, commands on one store, and an up that is not alone.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { docker, testCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { demoManifest } from "../support/manifest-text.ts";

test("two clusters on one engine do not see each other", async (t) => {
  const one = await testCluster(t);
  const two = await testCluster(t);
  await Promise.all([one.up(), two.up()]);
  const first = await one.write("web.yaml", demoManifest("web", { replicas: 2 }));
  const second = await two.write("web.yaml", demoManifest("web", { replicas: 1, image: "orchestra-demo:2" }));
  await Promise.all([one.ok("apply", "-f", first), two.ok("apply", "-f", second)]);
  const [ofOne, ofTwo] = await Promise.all([one.ready("web", 2), two.ready("web", 1)]);
  const answers = async (cluster: typeof one) => (await cluster.resolve("web.cluster.local")).join();
  const addresses = (pods: typeof ofOne) =>
    pods
      .map(({ ip }) => ip)
      .sort()
      .join();
  await eventually("the first answers with its own", async () => (await answers(one)) === addresses(ofOne));
  await eventually("the second answers with its own", async () => (await answers(two)) === addresses(ofTwo));
  await one.ok("delete", "web", "--yes");
  await one.ok("down", "--pods");
  assert.deepEqual(
    (await two.ready("web", 1)).map(({ container }) => container),
    ofTwo.map(({ container }) => container),
  );
  assert.equal(await answers(two), addresses(ofTwo));
  assert.equal((await two.containers()).length, 1);
});

test("a second up on the same store is refused, with the reason, and changes nothing", async (t) => {
  const cluster = await testCluster(t);
  const up = await cluster.up();
  const { code, stderr } = await cluster.run("up");
  assert.equal(code, 3);
  assert.match(stderr, new RegExp(`already.*node ${cluster.record().node} \\(pid ${up.pid}`));
  // From another state folder it is another machine of the same name, as far as anybody can tell.
  const stranger = await testCluster(t, {
    storePath: cluster.storePath,
    env: { ORCHESTRA_NODE: cluster.record().node },
  });
  const refused = await stranger.run("up");
  assert.equal(refused.code, 3, refused.stderr);
  assert.match(refused.stderr, new RegExp(cluster.record().node));
  const path = await cluster.write("web.yaml", demoManifest("web", { replicas: 1 }));
  await cluster.ok("apply", "-f", path);
});

test("of two applies at once each is whole, and the last word is one of theirs", async (t) => {
  const cluster = await testCluster(t);
  await cluster.up();
  const names = ["a", "b", "c"];
  const write = (file: string, image: string) =>
    cluster.write(file, names.map((name) => demoManifest(name, { replicas: 1, image })).join("---\n"));
  const first = await write("first.yaml", "orchestra-demo:1");
  const second = await write("second.yaml", "orchestra-demo:2");
  const outcomes = await Promise.all([first, second].map((path) => cluster.run("apply", "-f", path)));
  const codes = outcomes.map(({ code }) => code).sort();
  const said = outcomes.map(({ stdout, stderr }) => stdout + stderr).join("\n---\n");
  assert.ok(codes[0] === 0 && (codes[1] === 0 || codes[1] === 3), said);
  for (const name of names) await cluster.ready(name, 1);
  const images = new Set((await cluster.pods()).map(({ image }) => image));
  assert.equal(images.size, 1, said);
});

test("an apply during a delete brings the Deployment back, whole", async (t) => {
  const cluster = await testCluster(t);
  await cluster.up();
  // Slow to leave, so that the apply comes in between.
  const slow = { replicas: 2, env: { DRAIN: "1500" }, more: "  stop: { graceSeconds: 5, drainSeconds: 0 }" };
  const path = await cluster.write("web.yaml", demoManifest("web", slow));
  await cluster.ok("apply", "-f", path);
  const before = await cluster.ready("web", 2);
  await cluster.ok("delete", "web", "--yes", "--no-wait");
  await cluster.ok("apply", "-f", path);
  const after = await cluster.ready("web", 2);
  assert.equal((await cluster.containers()).length, 2);
  assert.ok(after.every(({ id }) => !before.some((pod) => pod.id === id)));
});

test("state folders, networks and names of containers tell whose they are", async (t) => {
  const cluster = await testCluster(t);
  await cluster.up();
  const path = await cluster.write("web.yaml", demoManifest("web", { replicas: 1 }));
  await cluster.ok("apply", "-f", path);
  const { cluster: id, node } = cluster.record();
  assert.match(id, /^[0-9a-f]{8}$/);
  const label = (name: string) => `{{index .Config.Labels "orchestra.${name}"}}`;
  const [container = ""] = await cluster.containers();
  assert.match(container, /^orchestra-web-0-[0-9a-f]{12}$/);
  const labels = await docker(
    process.env,
    "inspect",
    "--format",
    `${label("cluster")} ${label("node")} ${label("deployment")}`,
    container,
  );
  assert.equal(labels, `${id} ${node} web`);
  assert.match(await docker(process.env, "network", "inspect", `orchestra-${id}`), /"Subnet": "10\./);
  assert.ok(join(cluster.folder, "state", id));
});
