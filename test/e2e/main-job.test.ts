// The main job: from the example manifests to running containers that answer by name, and every change after that.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type TestCluster, testCluster } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { demoManifest } from "../support/manifest-text.ts";

const examples = fileURLToPath(new URL("../../manifests", import.meta.url));

/** What a pod answers over HTTP on its own address, asked from this machine as any other container would. */
async function ask(address: string, path = "/"): Promise<string> {
  const response = await fetch(`http://${address}:8080${path}`, { signal: AbortSignal.timeout(5_000) });
  if (!response.ok) throw new Error(`${path} of ${address}: ${response.status} ${await response.text()}`);
  return (await response.text()).trim();
}

/** The addresses that CoreDNS answers become those of these pods. */
async function answersFor(cluster: TestCluster, name: string, addresses: readonly (string | undefined)[]) {
  const wanted = [...addresses].sort().join();
  await eventually(`${name} answers ${wanted}`, async () => (await cluster.resolve(name)).join() === wanted);
}

test("the example manifests run, answer by name, and are kept as they are", async (t) => {
  const cluster = await testCluster(t);
  await cluster.up();
  const applied = await cluster.ok("apply", "-f", examples);
  assert.match(applied, /Done: 3 created\./);

  const web = await cluster.ready("web", 3);
  const [caller] = await cluster.ready("caller", 1);
  await cluster.ready("probe", 1);
  await answersFor(
    cluster,
    "web.cluster.local",
    web.map(({ ip }) => ip),
  );
  await answersFor(cluster, "web-1.web.cluster.local", [web[1]?.ip]);

  // From inside of a container: its own resolver, its search domain, and a name that nobody has. Names from outside of the cluster
  // need a resolver that knows some: dns/containers.test.ts brings one.
  assert.ok(caller?.ip);
  const inside = JSON.parse(await ask(caller.ip, "/resolve?name=web")) as string[];
  assert.deepEqual(inside, web.map(({ ip }) => ip).sort());
  await assert.rejects(ask(caller.ip, "/resolve?name=nobody.cluster.local."), /404 .*no such host/);
  const services = await ask(caller.ip, "/resolve?type=srv&name=_http._tcp.web.cluster.local");
  assert.equal((JSON.parse(services) as string[]).length, 3);
  assert.match(await ask(caller.ip, "/fetch?url=http://web-2.web.cluster.local:8080/"), /^web-2 version 1$/);

  assert.equal((await cluster.ok("apply", "-f", examples)).trim(), "Up to date.");
  const diff = await cluster.run("diff", "-f", examples);
  assert.equal(diff.code, 0, diff.stdout);
});

test("a manifest that is edited, scaled, overridden, and deleted", async (t) => {
  const cluster = await testCluster(t);
  await cluster.up();
  const path = await cluster.write("web.yaml", demoManifest("web", { replicas: 2 }));
  await cluster.ok("apply", "-f", path);
  const before = await cluster.ready("web", 2);

  await cluster.write(
    "web.yaml",
    demoManifest("web", { replicas: 2, image: "orchestra-demo:2", env: { TOKEN: "s3cret" } }),
  );
  const diff = await cluster.run("diff", "-f", path);
  assert.equal(diff.code, 1, diff.stderr);
  assert.match(diff.stdout, /orchestra-demo:1.*orchestra-demo:2/s);
  assert.doesNotMatch(diff.stdout, /s3cret/);
  const applied = await cluster.ok("apply", "-f", path);
  // What diff said is what apply says.
  const planned = diff.stdout.split("\n").filter((line) => /^Plan:/.test(line));
  assert.ok(planned.length === 1 && applied.includes(planned[0] ?? "-"), `${diff.stdout}\n---\n${applied}`);
  const after = await cluster.ready("web", 2);
  assert.ok(after.every(({ id, image }) => image === "orchestra-demo:2" && !before.some((pod) => pod.id === id)));
  assert.match(await ask(after[0]?.ip ?? ""), /version 2$/);
  await answersFor(
    cluster,
    "web.cluster.local",
    after.map(({ ip }) => ip),
  );

  await cluster.ok("scale", "web", "4");
  const scaled = await cluster.ready("web", 4);
  assert.deepEqual(
    scaled.slice(0, 2).map(({ id }) => id),
    after.map(({ id }) => id),
  );
  // The manifest's own count has not changed, so the override stays; when its line changes, the override ends.
  await cluster.ok("apply", "-f", path);
  await cluster.ready("web", 4);
  await cluster.write(
    "web.yaml",
    demoManifest("web", { replicas: 1, image: "orchestra-demo:2", env: { TOKEN: "s3cret" } }),
  );
  await cluster.ok("apply", "-f", path);
  const [last] = await cluster.ready("web", 1);
  await answersFor(cluster, "web.cluster.local", [last?.ip]);

  await cluster.ok("delete", "web", "--yes");
  assert.deepEqual(await cluster.containers(), []);
  await answersFor(cluster, "web.cluster.local", []);
  assert.equal((await cluster.run("get", "web")).code, 1);
});

test("what is applied while nothing runs starts with the next up", async (t) => {
  const cluster = await testCluster(t);
  const path = await cluster.write("web.yaml", demoManifest("web", { replicas: 1 }));
  const applied = await cluster.run("apply", "-f", path);
  assert.equal(applied.code, 0, applied.stderr);
  assert.match(applied.stdout + applied.stderr, /orchestra up/);
  await cluster.up();
  await cluster.ready("web", 1);
});

test("a broken image is told at once, and a working pod is not touched by it", async (t) => {
  const cluster = await testCluster(t);
  await cluster.up();
  const path = await cluster.write("web.yaml", demoManifest("web", { replicas: 1 }));
  await cluster.ok("apply", "-f", path);
  const [before] = await cluster.ready("web", 1);
  await cluster.write("web.yaml", demoManifest("web", { replicas: 1, image: "orchestra-demo:absent" }));
  const { code, stdout, stderr } = await cluster.run("apply", "-f", path);
  assert.equal(code, 4, stdout + stderr);
  assert.match(stdout + stderr, /orchestra-demo:absent/);
  assert.match((await cluster.run("why", "web-0")).stdout, /orchestra-demo:absent/);
  const pods = await cluster.pods("web");
  assert.ok(pods.some(({ id, ready }) => id === before?.id && ready));
  await answersFor(cluster, "web.cluster.local", [before?.ip]);
});

test("the log of a pod and a command in it come through orchestra", async (t) => {
  const cluster = await testCluster(t);
  await cluster.up();
  const path = await cluster.write("web.yaml", demoManifest("web", { replicas: 1 }));
  await cluster.ok("apply", "-f", path);
  assert.match(await cluster.ok("logs", "web-0"), /web-0 version 1 listens on :8080/);
  assert.equal((await cluster.ok("exec", "web-0", "--", "/demo", "echo", "a", "b")).trim(), "a b");
  assert.equal((await cluster.run("exec", "web-0", "--", "/demo", "exit", "7")).code, 7);
  assert.match(await readFile(join(cluster.folder, "web.yaml"), "utf8"), /kind: Deployment/);
});
