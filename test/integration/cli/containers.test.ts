// logs and exec on real containers: made here through the worker's own adapter, found by the program through the store.
import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { dirname } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { silentLog } from "../../../src/log.ts";
import { clusterKey, failuresKey, placementsKey, podsKey } from "../../../src/model/keys.ts";
import type { PodRecord } from "../../../src/model/pod.ts";
import { type PodTemplate, resolveTemplate } from "../../../src/model/template.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { put, type Store } from "../../../src/store/store.ts";
import { openDocker } from "../../../src/worker/docker.ts";
import type { Runtime } from "../../../src/worker/runtime.ts";
import { builtAt, documentsOf, fill, placement, pod } from "../../support/builders.ts";
import { docker, type TestCluster, testCluster } from "../../support/cluster.ts";
import { eventually } from "../../support/eventually.ts";

const program = fileURLToPath(new URL("../../../bin/dev.js", import.meta.url));
const image = "orchestra-demo:1";
const { signal } = new AbortController();

interface Lab {
  readonly cluster: TestCluster;
  readonly store: Store;
  readonly runtime: Runtime;
  /** Creates the container of a pod; returns the engine's id. */
  create(deployment: string, record: PodRecord, template?: Partial<PodTemplate>): Promise<string>;
  /** The same, and starts it. */
  start(deployment: string, record: PodRecord, template?: Partial<PodTemplate>): Promise<string>;
}

/** A store with the pods web-0, web-1 and none-0 (which never gets a container), and an engine with none of them yet. */
async function lab(t: TestContext): Promise<Lab> {
  const id = randomBytes(4).toString("hex");
  const owner = { cluster: id, node: "node-1" };
  const cluster = await testCluster(t);
  const runtime = openDocker({ configFolder: cluster.folder, owner, log: silentLog });
  t.after(async () => {
    for (const container of await runtime.list(signal)) await runtime.remove(container.id, signal);
  });
  await mkdir(dirname(cluster.storePath), { recursive: true });
  const store = await openStore(`file:${cluster.storePath}`, { create: true });
  t.after(() => store.close());
  const documents = new Map(documentsOf({ deployments: { web: { pods: 2 }, none: {} } }));
  documents.set(clusterKey, { ...(documents.get(clusterKey) as object), id });
  await fill(store, documents);
  const create: Lab["create"] = async (deployment, record, template = {}) => {
    const spec = { pod: record.id, deployment, slot: record.slot, revision: record.revision };
    const dns = { server: "127.0.0.1", search: "cluster.local" };
    const resolved = resolveTemplate({ image, command: ["/demo"], ...template });
    return runtime.create({ ...spec, template: resolved, network: "bridge", dns }, signal);
  };
  return {
    cluster,
    store,
    runtime,
    create,
    async start(deployment, record, template = {}) {
      const container = await create(deployment, record, template);
      await runtime.start(container, signal);
      return container;
    },
  };
}

const says = (words: string) => ({ args: ["echo", words] });

test("logs prints what a container wrote, also one that has crashed, and of a Deployment whose line it is", async (t) => {
  const { cluster, runtime, start } = await lab(t);
  const first = await start("web", pod("web", { slot: 0 }), says("hello from zero"));
  await start("web", pod("web", { slot: 1 }), says("hello from one"));
  await eventually("the container has ended", async () => (await runtime.inspect(first, signal)).state === "exited");
  assert.equal(await cluster.ok("logs", "web-0"), "hello from zero\n");
  assert.match(await cluster.ok("logs", "web-0", "--timestamps"), /^\d{4}-\d\d-\d\dT[\d:.]+Z hello from zero\n$/);
  assert.equal(await cluster.ok("logs", "web"), "web-0 | hello from zero\nweb-1 | hello from one\n");
  assert.equal(await cluster.ok("logs", "web-0", "--since", "2099-01-01T00:00:00Z"), "");
  assert.equal(await cluster.ok("logs", "web-0", "--tail", "0"), "");
});

test("the log of a container that is gone is what its failure left", async (t) => {
  const { cluster, store, create } = await lab(t);
  const none = await cluster.run("logs", "none-0");
  assert.deepEqual([none.code, none.stdout], [0, ""]);
  assert.match(none.stderr, /none-0 has no container/);
  const { id, revision } = pod("none");
  const failure = { deployment: "none", slot: 0, pod: id, revision, at: builtAt };
  const reason = { code: "CRASHED" as const, message: "ended with exit code 1" };
  const document = { failures: [{ ...failure, reason, lines: ["its last words"] }] };
  await store.commit({ changes: [put(failuresKey("node-1"), document, "absent")] });
  const { stdout, stderr } = await cluster.run("logs", "none-0");
  assert.equal(stdout, "its last words\n");
  assert.match(stderr, /has no container; these lines are of its failure/);
  await create("web", pod("web", { slot: 0 }));
  const created = await cluster.run("logs", "web-0");
  assert.equal(created.stdout, "");
  assert.match(created.stderr, /^pod\/web-0 has a container that has never started/);
  const follow = cluster.start("logs", "-f", "web-0");
  let told = "";
  follow.stderr?.setEncoding("utf8").on("data", (more: string) => {
    told += more;
  });
  await eventually("who follows it is told once", () => told.includes("has never started"));
  follow.kill("SIGTERM");
});

test("following goes on over a restart without a line twice, and a pod that comes later joins in", async (t) => {
  const { cluster, store, runtime, start } = await lab(t);
  const container = await start("web", pod("web", { slot: 0 }), says("zero"));
  const follow = cluster.start("logs", "web", "-f");
  let text = "";
  follow.stdout?.setEncoding("utf8").on("data", (more: string) => {
    text += more;
  });
  const count = (line: string) => text.split("\n").filter((other) => other === line).length;
  await eventually("the first line", () => count("web-0 | zero") === 1);
  await runtime.start(container, signal);
  await eventually("the line of the second start", () => count("web-0 | zero") === 2);

  const later = pod("web", { slot: 2 });
  await start("web", later, says("two"));
  const [pods, placements] = [await store.read(podsKey("web")), await store.read(placementsKey("node-1"))];
  assert.ok(pods && placements);
  const placed = { placements: [...placements.value.placements, placement("web", later)] };
  await store.commit({
    changes: [
      put(pods.key, { ...pods.value, pods: [...pods.value.pods, later] }, pods.version),
      put(placements.key, placed, placements.version),
    ],
  });
  await eventually("the pod that came later", () => count("web-2 | two") === 1);
  assert.deepEqual([count("web-0 | zero"), count("web-2 | two")], [2, 1]);
  follow.kill("SIGTERM");
});

test("exec passes output, input and the exit code through", async (t) => {
  const { cluster, start } = await lab(t);
  await start("web", pod("web", { slot: 0 }));
  const echoed = await cluster.run("exec", "web-0", "--", "/demo", "echo", "a", "b", "a", "-o", "json");
  assert.deepEqual(echoed, { code: 0, stdout: "a b a -o json\n", stderr: "" });
  assert.equal((await cluster.run("exec", "web-0", "--", "/demo", "exit", "7")).code, 7);
  const usage = await cluster.run("exec", "web-0", "--", "/demo", "nonsense");
  assert.deepEqual([usage.code, usage.stdout], [2, ""]);
  assert.match(usage.stderr, /^usage: demo/);

  const cat = spawn(process.execPath, [program, "exec", "-i", "web-0", "--", "/demo", "cat"], {
    env: environment(cluster),
  });
  assert.deepEqual([await piped(cat, "one\ntwo\n"), await ended(cat)], ["one\ntwo\n", 0]);

  const none = await cluster.run("exec", "none-0", "--", "/demo");
  assert.equal(none.code, 1);
  assert.match(none.stderr, /none-0 has no container/);
  assert.equal((await cluster.run("exec", "web-0")).code, 2);
  assert.match((await cluster.run("exec", "-t", "web-0", "--", "/demo")).stderr, /-t needs a terminal/);
});

test("exec of what cannot be run ends as in a shell, with an error of ours", async (t) => {
  const { cluster, start } = await lab(t);
  await start("web", pod("web", { slot: 0 }));
  const absent = await cluster.run("exec", "web-0", "--", "/nope");
  assert.deepEqual([absent.code, absent.stdout], [127, ""]);
  assert.match(absent.stderr, /^Error: pod\/web-0: there is no such command in the container: \/nope\nHint: /);
  assert.equal((await cluster.run("exec", "web-0", "--", "nope")).code, 127, "nor on PATH");
  const folder = await cluster.run("exec", "web-0", "--", "/etc");
  assert.deepEqual([folder.code, folder.stdout], [126, ""]);
  assert.match(folder.stderr, /cannot be run in the container: \/etc/);
  const empty = await cluster.run("exec", "web-0", "--", "");
  assert.deepEqual([empty.code, /^Error: the command is empty/.test(empty.stderr)], [2, true]);
});

test("exec -it gives the command a terminal", async (t) => {
  const { cluster, start } = await lab(t);
  const container = await start("web", pod("web", { slot: 0 }));
  // `script` makes a terminal for the program, as a person's shell would.
  const words = ["exec", "-it", "web-0", "--", "/demo", "cat"].map((word) => `'${word}'`).join(" ");
  const shell = spawn(
    "script",
    ["-qec", `stty cols 101 rows 31; '${process.execPath}' '${program}' ${words}`, "/dev/null"],
    { env: environment(cluster) },
  );
  t.after(() => shell.kill("SIGKILL"));
  let text = "";
  shell.stdout.setEncoding("utf8").on("data", (more: string) => {
    text += more;
  });
  const execs = () => docker(process.env, "inspect", "--format", "{{len .ExecIDs}}", container);
  await eventually("the command runs", async () => (await execs()) === "1");
  shell.stdin.write("typed\r");
  // Once by the terminal's echo, once by the program.
  await eventually("the echo and the answer", () => text.split("typed").length === 3);
  shell.stdin.write("\x04");
  assert.equal(await ended(shell), 0);
});

function environment({ storePath, folder }: TestCluster): NodeJS.ProcessEnv {
  return { ...process.env, ORCHESTRA_STORE: `file:${storePath}`, ORCHESTRA_STATE_DIR: folder };
}

async function piped(child: ChildProcessWithoutNullStreams, input: string): Promise<string> {
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (more: string) => {
    text += more;
  });
  child.stdin.end(input);
  await once(child, "close");
  return text;
}

async function ended(child: ChildProcessWithoutNullStreams): Promise<number | null> {
  if (child.exitCode === null) await once(child, "exit");
  return child.exitCode;
}
