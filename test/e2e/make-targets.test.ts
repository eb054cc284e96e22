// The Makefile as somebody uses it who has just cloned this: every target for daily work, on a store, folder and ports of the test's own.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { execute, type TestCluster, testCluster } from "../support/cluster.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** `make` with these words; throws unless it exits with `code`, and gives all that it printed. */
function maker(cluster: TestCluster) {
  // Of a `make test` around this, whose words would count here too.
  const { MAKEFLAGS: _flags, MFLAGS: _old, MAKELEVEL: _level, ...environment } = cluster.environment;
  return async (words: readonly string[], want = 0): Promise<string> => {
    const { code, stdout, stderr } = await execute("make", words, environment, root);
    assert.equal(code, want, `make ${words.join(" ")}:\n${stdout}${stderr}`);
    return stdout + stderr;
  };
}

test("up runs the examples, up again changes nothing, and the other targets do what help says", async (t: TestContext) => {
  const cluster = await testCluster(t);
  const make = maker(cluster);
  const first = await make(["up"]);
  assert.match(first, /Done: 3 created\./);
  assert.match(first, /^web-2 +ready /m);
  assert.match(first, /^web\.cluster\.local → 10\.\d+\.\d+\.\d+ 10\.\S+ 10\.\S+ \(asked 127\.0\.0\.1:\d+\)$/m);
  assert.match(first, /orchestra diff -f manifests\//, "what to do next");
  const before = await cluster.containers();
  assert.match(await make(["up"]), /^Up to date\.$/m);
  assert.deepEqual(await cluster.containers(), before);

  await make(["deploy", "name=extra", "image=orchestra-demo:1", "replicas=2"]);
  const [extra] = await cluster.ready("extra", 2);
  const listed = await make(["get"]);
  for (const line of [/^extra +2\/2 /m, /^extra-1 +ready /m, new RegExp(`^${extra?.node} +present `, "m")])
    assert.match(listed, line);
  assert.match(await make(["logs", "name=extra"]), /^extra-0 \| /m);
  await make(["delete", "name=extra"]);
  assert.equal((await cluster.pods("extra")).length, 0);

  await make(["down"]);
  assert.match(await make(["get"]), /No orchestra up runs on this store/);
  assert.deepEqual(await cluster.containers(), before, "containers run on");
});

test("a target that lacks a word says how it is written, and help lists the targets", async (t: TestContext) => {
  const make = maker(await testCluster(t));
  const help = await make(["help"]);
  for (const target of ["up", "down", "deploy", "get", "delete", "logs", "test", "check", "bench"])
    assert.match(help, new RegExp(`^make ${target} `, "m"));
  for (const [target = "", lack] of [
    ["deploy", "name"],
    ["delete", "name"],
    ["logs", "name"],
  ])
    assert.match(await make([target], 2), new RegExp(`${lack} is missing: make ${target} name=`));
});
