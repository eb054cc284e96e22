// The lab itself does what tests believe of it: cables carry nothing when cut, hosts stand still, lose their power and start again, and nothing stays.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { eventually } from "../support/eventually.ts";
import { removeCgroups } from "../support/lab/engine.ts";
import { type LabHost, openLab, whyNoLab } from "../support/lab.ts";
import { demoImage } from "../support/worker-lab.ts";

const run = promisify(execFile);
const skip = whyNoLab() ?? false;
const child = fileURLToPath(new URL("../support/lab-child.ts", import.meta.url));

/** Whether something listens there, as seen from the host. */
async function hears(host: LabHost, address: string, port: number): Promise<boolean> {
  const script = `require("net").connect({ host: "${address}", port: ${port}, timeout: 500 })
    .on("connect", () => process.exit(0)).on("timeout", () => process.exit(1)).on("error", () => process.exit(1))`;
  return (await host.run(process.execPath, "-e", script)).code === 0;
}

/** A container that publishes its port. */
async function serve(host: LabHost): Promise<string> {
  const { code, stdout, stderr } = await host.run("docker", "run", "-d", "-p", "8080:8080", demoImage);
  assert.equal(code, 0, stderr);
  return stdout.trim();
}

test("a cable that is cut carries nothing, a host that is paused answers nothing, and both come back", {
  skip,
}, async (t) => {
  const lab = await openLab({ store: "file" });
  t.after(() => lab.close());
  const [one, two] = lab.hosts;
  assert.ok(one && two);
  await serve(two);
  const isThere = () => hears(one, two.address, 8080);
  await eventually("it is there", isThere);
  await two.cut();
  assert.equal(await isThere(), false);
  await two.heal();
  await eventually("it is there again", isThere);
  two.pause();
  const probe = `fetch("http://${two.address}:8080/", { signal: AbortSignal.timeout(1000) }).catch(() => process.exit(1))`;
  assert.equal((await one.run(process.execPath, "-e", probe)).code, 1);
  two.resume();
  await eventually("it answers", async () => (await one.run(process.execPath, "-e", probe)).code === 0);
});

test("a host without power runs nothing, and starts again with what was on its disk; two labs do not meet", {
  skip,
}, async (t) => {
  const labs = await Promise.all([openLab({ hosts: 1, store: "file" }), openLab({ hosts: 1, store: "file" })]);
  t.after(() => Promise.all(labs.map((lab) => lab.close())));
  const [host, other] = labs.flatMap((lab) => lab.hosts);
  assert.ok(host && other);
  const container = await serve(host);
  const { State } = await host.docker.getContainer(container).inspect();
  assert.equal(State.Running, true);
  await host.kill();
  await assert.rejects(host.docker.ping());
  await host.boot();
  const now = await host.docker.getContainer(container).inspect();
  assert.equal(now.State.Running, false);
  assert.equal((await host.run("docker", "start", container)).code, 0);
  await eventually("it serves", () => hears(host, host.address, 8080));
  assert.equal(await hears(other, host.address, 8080), false);
  assert.deepEqual(await other.docker.listContainers({ all: true }), []);
});

for (const signal of ["SIGTERM", "SIGKILL"] as const) {
  test(`a process that ends by ${signal} leaves nothing of its lab running`, { skip }, async () => {
    const owner = spawn(process.execPath, [child], { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(owner, "exit");
    const [said] = await once(owner.stdout.setEncoding("utf8"), "data");
    const id = String(said).trim();
    const name = `orchestra-lab-${id}`;
    const folder = join(tmpdir(), name);
    const link = async () => (await run("ip", ["-br", "link"])).stdout.includes(`lab${id}@`);
    const processes = async () => (await run("ps", ["-eo", "args"])).stdout.includes(name);
    assert.deepEqual([existsSync(folder), await link(), await processes()], [true, true, true]);
    owner.kill(signal);
    await ended;
    await eventually("its processes are gone", async () => !(await processes()));
    await eventually("its cable is gone", async () => !(await link()));
    // Nobody can clean up after itself when it is killed.
    if (signal === "SIGKILL") await run("rm", ["-rf", folder]);
    else assert.equal(existsSync(folder), false);
    await eventually("its cgroups are gone", () => removeCgroups(name));
  });
}
