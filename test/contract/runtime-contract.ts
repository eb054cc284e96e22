// What any runtime must do. Docker and the one in memory are held to the same words.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { isOrchestraError } from "../../src/model/errors.ts";
import { type PodTemplate, resolveTemplate } from "../../src/model/template.ts";
import { chooseSubnet } from "../../src/worker/network.ts";
import {
  type ContainerSpec,
  type NodeNetwork,
  type Runtime,
  type RuntimeEvent,
  RuntimeFailure,
} from "../../src/worker/runtime.ts";
import { eventually } from "../support/eventually.ts";

interface Test {
  after(clean: () => Promise<void>): void;
}

export interface RuntimeHarness {
  readonly runtime: Runtime;
  readonly network: string;
  /** An image whose entry point serves until SIGTERM, and takes the arguments of the demo program. */
  readonly image: string;
}

const { signal } = new AbortController();

export function runtimeContract(name: string, open: (test: Test) => Promise<RuntimeHarness>): void {
  const law = (what: string, run: (harness: RuntimeHarness, test: Test) => Promise<void>) => {
    test(`${name}: ${what}`, async (t) => run(await open(t), t));
  };

  law("a container is created once, started, seen running with an address, and removed", async (harness) => {
    const { runtime } = harness;
    const spec = await specFor(harness, {});
    const id = await runtime.create(spec, signal);
    assert.equal(await runtime.create(spec, signal), id);
    assert.equal((await runtime.inspect(id, signal)).state, "created");
    await runtime.start(id, signal);
    await runtime.start(id, signal);
    const [listed] = await runtime.list(signal);
    assert.deepEqual(
      { pod: listed?.pod, deployment: listed?.deployment, slot: listed?.slot, state: listed?.state },
      { pod: spec.pod, deployment: "web", slot: 3, state: "running" },
    );
    const seen = await runtime.inspect(id, signal);
    assert.match(seen.ip ?? "", /^\d+\.\d+\.\d+\.\d+$/);
    assert.ok(seen.startedAt);
    await runtime.remove(id, signal);
    await runtime.remove(id, signal);
    await runtime.kill(id, "SIGTERM", signal);
    assert.deepEqual(await runtime.list(signal), []);
    await assert.rejects(runtime.inspect(id, signal), (error) => isOrchestraError(error, "not-found"));
  });

  law("of a container that nobody has touched nothing is changed, with limits and without", async (harness) => {
    const { runtime } = harness;
    for (const resources of [{}, { cpu: "250m" }, { memory: "64Mi" }, { cpu: "1", memory: "100M", pids: 50 }]) {
      const id = await started(harness, { resources });
      const { resources: resolved } = resolveTemplate({ image: harness.image, resources });
      assert.deepEqual(await runtime.changed(id, { resources: resolved }, signal), [], JSON.stringify(resources));
      await runtime.remove(id, signal);
      await assert.rejects(runtime.changed(id, { resources: resolved }, signal), (error) =>
        isOrchestraError(error, "not-found"),
      );
    }
  });

  law("a signal ends the process, its exit code is kept, and the same container starts again", async (harness) => {
    const { runtime } = harness;
    const id = await started(harness, {});
    await runtime.kill(id, "SIGTERM", signal);
    await eventually("the end", async () => (await runtime.inspect(id, signal)).state === "exited");
    assert.equal((await runtime.inspect(id, signal)).exitCode, 0);
    await runtime.kill(id, "SIGTERM", signal);
    await runtime.start(id, signal);
    const again = await runtime.inspect(id, signal);
    assert.equal(again.state, "running");
    assert.equal(again.exitCode, undefined);
  });

  law("the exit code of a process that ends by itself is told, and its lines can be read", async (harness) => {
    const { runtime } = harness;
    const id = await started(harness, { args: ["exit", "7"] });
    await eventually("the end", async () => (await runtime.inspect(id, signal)).state === "exited");
    assert.equal((await runtime.inspect(id, signal)).exitCode, 7);
    const talker = await started(harness, { args: ["echo", "one", "two"] });
    const read = async () => {
      const lines: string[] = [];
      const options = { follow: false, timestamps: false, tail: 5 };
      for await (const { stream, line } of runtime.logs(talker, options, signal)) lines.push(`${stream}: ${line}`);
      return lines;
    };
    await eventually("the line", async () => (await read()).length > 0);
    assert.deepEqual(await read(), ["stdout: one two"]);
    // Without following, the log of a process that still runs ends too.
    const runner = await started(harness, {});
    const said = async () => {
      const options = { follow: false, timestamps: false };
      for await (const { line } of runtime.logs(runner, options, signal)) if (/listens/.test(line)) return true;
      return false;
    };
    await eventually("the first line of a server", said);
    for await (const _line of runtime.logs(runner, { follow: false, timestamps: false }, signal));
  });

  law("a command runs in a running container, and its exit code and output come back", async (harness) => {
    const id = await started(harness, {});
    let heard = "";
    const stdout = new (await import("node:stream")).Writable({
      write(chunk, _encoding, done) {
        heard += String(chunk);
        done();
      },
    });
    const exec = (command: string[]) =>
      harness.runtime.exec(id, { command, tty: false, stdout, stderr: stdout }, signal);
    assert.equal(await exec(["/demo", "exit", "5"]), 5);
    assert.equal(await exec(["/demo", "echo", "hello"]), 0);
    assert.equal(heard, "hello\n");
  });

  law("what a template is to blame for is a failure with a reason", async (harness) => {
    const { runtime } = harness;
    const absent = await specFor(harness, { image: "localhost:1/none:1" });
    await refusedWith("IMAGE_NOT_PRESENT", runtime.create(absent, signal));
    const never = { ...absent.template, imagePullPolicy: "Never" as const };
    await refusedWith(
      "IMAGE_NOT_PRESENT",
      runtime.pull(never, () => {}, signal),
    );
    const id = await runtime.create(await specFor(harness, { command: ["/no/such"] }), signal);
    const failure = await refusedWith("BAD_COMMAND", runtime.start(id, signal));
    assert.equal(failure.final, true);
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const ports = [{ containerPort: 8080, hostPort: port, hostIP: "127.0.0.1" }];
    await started(harness, { ports });
    const second = await runtime.create(await specFor(harness, { ports }), signal);
    const taken = await refusedWith("PORT_TAKEN", runtime.start(second, signal));
    assert.match(taken.reason.message, new RegExp(String(port)));
    assert.equal(taken.final, false);
  });

  law("every change of a container is told after the first gap", async (harness) => {
    const { runtime } = harness;
    const stop = new AbortController();
    const told: RuntimeEvent[] = [];
    const watching = runtime.watch((event) => told.push(event), stop.signal);
    await eventually("the first gap", () => told.some(({ kind }) => kind === "gap"));
    const id = await started(harness, {});
    await runtime.kill(id, "SIGKILL", signal);
    const changes = () => told.flatMap((event) => (event.kind === "changed" && event.container === id ? event.to : []));
    await eventually("its end", () => changes().includes("exited"));
    await runtime.remove(id, signal);
    await eventually("its removal", () => changes().includes("gone"));
    // Some engines tell that it leaves its network as well.
    assert.deepEqual(
      changes().filter((to) => to !== "disconnected"),
      ["running", "exited", "gone"],
    );
    stop.abort();
    await watching;
  });

  law("the end of the network is told, whoever has removed it", async ({ runtime, network }) => {
    const stop = new AbortController();
    const told: RuntimeEvent["kind"][] = [];
    const watching = runtime.watch(({ kind }) => told.push(kind), stop.signal);
    await eventually("the first gap", () => told.includes("gap"));
    await networkFor(runtime, network);
    await runtime.removeNetwork(network, { force: false }, signal);
    await eventually("its end", () => told.includes("network-gone"));
    assert.deepEqual(told, ["gap", "network-gone"]);
    stop.abort();
    await watching;
  });

  law("a network is there once made, and a name or range that is taken is refused", async ({ runtime, network }) => {
    assert.equal((await runtime.networks(network, signal)).ours, undefined);
    const made = await networkFor(runtime, network);
    const { ours, taken } = await runtime.networks(network, signal);
    assert.deepEqual({ name: ours?.name, range: ours?.range, gateway: ours?.gateway }, made);
    assert.ok(taken.some(({ range }) => range === made.range));
    assert.equal(await runtime.createNetwork(made, signal), false);
    assert.equal(await runtime.createNetwork({ ...made, name: `${network}-2` }, signal), false);
  });

  law("the network is removed when nothing is attached, and made again with its range", async (harness) => {
    const { runtime, network } = harness;
    const remove = () => runtime.removeNetwork(network, { force: false }, signal);
    assert.equal(await remove(), false);
    const id = await started(harness, {});
    const first = await networkFor(runtime, network);
    assert.equal(await remove(), false);
    await runtime.kill(id, "SIGKILL", signal);
    await eventually("the end", async () => (await runtime.inspect(id, signal)).state === "exited");
    // It could not be started again without its network.
    assert.equal(await remove(), false);
    await runtime.remove(id, signal);
    assert.equal(await remove(), true);
    assert.equal((await runtime.networks(network, signal)).ours, undefined);
    assert.equal(await runtime.createNetwork(first, signal), true);
  });

  law("a network that is removed by force leaves its containers running, without an address", async (harness) => {
    const { runtime, network } = harness;
    const id = await started(harness, {});
    assert.equal(await runtime.removeNetwork(network, { force: true }, signal), true);
    const { state, ip } = await runtime.inspect(id, signal);
    assert.deepEqual({ state, ip }, { state: "running", ip: undefined });
    await networkFor(runtime, network);
    assert.equal((await runtime.inspect(id, signal)).ip, undefined);
  });
}

/** As it is, or made. */
async function networkFor(runtime: Runtime, name: string): Promise<NodeNetwork> {
  for (;;) {
    const { ours, taken } = await runtime.networks(name, signal);
    if (ours) return { name, range: ours.range, gateway: ours.gateway };
    const choice = chooseSubnet({ clusterRange: "10.42.0.0/16", taken, seed: name });
    assert.ok("range" in choice);
    await runtime.createNetwork({ name, ...choice }, signal);
  }
}

async function specFor(
  { runtime, network, image }: RuntimeHarness,
  fields: Partial<PodTemplate>,
): Promise<ContainerSpec> {
  const { name, gateway } = await networkFor(runtime, network);
  return {
    pod: randomBytes(6).toString("hex"),
    deployment: "web",
    slot: 3,
    revision: "0123456789ab",
    template: resolveTemplate({ image, ...fields }),
    network: name,
    dns: { server: gateway, search: "cluster.local" },
  };
}

async function started(harness: RuntimeHarness, fields: Partial<PodTemplate>): Promise<string> {
  const id = await harness.runtime.create(await specFor(harness, fields), signal);
  await harness.runtime.start(id, signal);
  return id;
}

async function refusedWith(code: string, call: Promise<unknown>): Promise<RuntimeFailure> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof RuntimeFailure, String(error));
    assert.equal(error.reason.code, code, error.reason.message);
    assert.ok(error.reason.message.length <= 160);
    return error;
  }
  throw new assert.AssertionError({ message: `expected to be refused with ${code}` });
}
