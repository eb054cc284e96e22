// Images that come from a registry: as the policy says, with the host's own login, and with a reason when they do not come.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../../support/eventually.ts";
import { startRegistry } from "../../support/registry.ts";
import { all, demoImage, workerLab } from "../../support/worker-lab.ts";

test("an image that is not here is pulled once for all its pods, and again only where the policy says so", async (t) => {
  const lab = await workerLab(t);
  const registry = await startRegistry(t, demoImage);
  await lab.start();
  await lab.place("web", { image: registry.image }, 3);
  await lab.until("ready", all(3, "ready"));
  const first = registry.pulls();
  assert.equal(first, 1, "three pods, one pull");
  await lab.place("again", { image: registry.image }, 1);
  await lab.until("ready", all(4, "ready"));
  assert.equal(registry.pulls(), first, "it is here");
  await lab.place("always", { image: registry.image, imagePullPolicy: "Always" }, 1);
  await lab.until("ready", all(5, "ready"));
  assert.ok(registry.pulls() > first, "it is asked for all the same");
});

test("a pod that must stop does not wait for its pull, and the next one of the same image gets it", async (t) => {
  const lab = await workerLab(t);
  const registry = await startRegistry(t, demoImage);
  const goOn = registry.stall();
  await lab.start();
  const [first] = await lab.place("web", { image: registry.image }, 1);
  await lab.until("pulling", all(1, "pulling"));
  await eventually("the registry was asked", () => registry.pulls() > 0);
  await lab.change((old) => old.map((placement) => ({ ...placement, stop: { reason: "delete" } })));
  await lab.until("stopped", all(1, "stopped"));
  goOn();
  const [second] = await lab.place("web", { image: registry.image }, 1);
  await lab.change((old) => old.filter(({ pod }) => pod !== first?.pod));
  const [ready] = await lab.until("ready", all(1, "ready"));
  assert.equal(ready?.pod, second?.pod);
});

test("a registry that wants a login: without one a reason, and with the host's own the pod starts", async (t) => {
  const lab = await workerLab(t);
  const registry = await startRegistry(t, demoImage, "ann:secret");
  await lab.start();
  await lab.place("web", { image: registry.image }, 1);
  const [denied] = await lab.until("denied", ([status]) => status?.reason?.code === "IMAGE_PULL_DENIED");
  assert.match(denied?.reason?.message ?? "", /no access to image .*docker login/);
  const auth = Buffer.from("ann:secret").toString("base64");
  await mkdir(join(lab.folder, "docker"));
  await writeFile(
    join(lab.folder, "docker", "config.json"),
    JSON.stringify({ auths: { [registry.address]: { auth } } }),
  );
  await lab.until("ready", all(1, "ready"));
});

test("a tag that the registry does not have is a reason, and never is never", async (t) => {
  const lab = await workerLab(t);
  const registry = await startRegistry(t, demoImage);
  await lab.start();
  await lab.place("missing", { image: `${registry.address}/demo:none` }, 1);
  await lab.until("missing", ([status]) => status?.reason?.code === "IMAGE_NOT_FOUND");
  const before = registry.pulls();
  await lab.place("never", { image: registry.image, imagePullPolicy: "Never" }, 1);
  await lab.until("never", (statuses) => statuses.some(({ reason }) => reason?.code === "IMAGE_NOT_PRESENT"));
  assert.equal(registry.pulls(), before);
});
