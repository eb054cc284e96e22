import assert from "node:assert/strict";
import { test } from "node:test";
import { countOf, deploymentName, manifestOfFlags } from "../../../src/cli/change/change-arguments.ts";

test("flags make the manifest that a file would hold", () => {
  assert.deepEqual(manifestOfFlags({ name: "web", image: "demo:1" }), {
    apiVersion: "orchestra/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: { image: "demo:1" },
  });
  const whole = { name: "web", image: "demo:1", replicas: "3", env: ["A=b=c", "E="], port: ["http=80", "81"] };
  assert.deepEqual((manifestOfFlags(whole) as { spec: object }).spec, {
    replicas: 3,
    image: "demo:1",
    env: { A: "b=c", E: "" },
    ports: [{ name: "http", containerPort: 80 }, { containerPort: 81 }],
  });
});

test("a variable without a value is refused, and its text is not repeated", () => {
  for (const env of ["hunter2", "=hunter2"]) {
    assert.throws(
      () => manifestOfFlags({ name: "web", image: "demo:1", env: [env] }),
      ({ code, message }: Error & { code: string }) => code === "invalid" && !message.includes("hunter2"),
    );
  }
});

test("a port that is none is called so", () => {
  for (const port of ["x", "http=", "0", "65536", "http=80/tcp"]) {
    const made = () => manifestOfFlags({ name: "web", image: "demo:1", port: [port] });
    assert.throws(made, { code: "invalid", message: /^--port: ".*" is not a port$/ });
  }
});

test("a variable that is given twice is refused: which one is meant is not guessed", () => {
  const made = (...env: string[]) => manifestOfFlags({ name: "web", image: "demo:1", env });
  assert.throws(() => made("A=geheim", "B=1", "A=other"), { code: "invalid", message: "--env names A twice" });
  assert.throws(() => made("__proto__=1", "__proto__=1"), { code: "invalid", message: "--env names __proto__ twice" });
});

test("a Deployment is named with its kind or without", () => {
  for (const text of ["web", "deployment/web", "deployments/web"]) assert.equal(deploymentName(text), "web");
  assert.throws(() => deploymentName("pod/web"), { code: "invalid" });
});

test("scale takes one count, or none with --reset", () => {
  assert.equal(countOf(["3", undefined], false), 3);
  assert.equal(countOf([undefined, "0"], false), 0);
  assert.equal(countOf([undefined, undefined], true), undefined);
  for (const [counts, reset] of [
    [[], false],
    [["1", "2"], false],
    [["1"], true],
    [["10001"], false],
    [["x"], false],
  ] as const) {
    assert.throws(() => countOf(counts, reset), { code: "invalid" });
  }
});
