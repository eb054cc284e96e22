// Hosts of one cluster: their containers reach each other by address and by name, each is seen under its own, and what makes that possible comes
// back when somebody removes it and goes with the node.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { rangeKey } from "../../src/model/keys.ts";
import { eventually } from "../support/eventually.ts";
import { type Lab, type LabHost, openLab, whyNoLab } from "../support/lab.ts";

const skip = whyNoLab() ?? false;
/** The worker looks again every ten seconds. */
const relistMs = 30_000;

let lab: Lab;
let one: LabHost;
let two: LabHost;

before(async () => {
  if (skip) return;
  lab = await openLab();
  const [first, second] = lab.hosts;
  assert.ok(first && second);
  [one, two] = [first, second];
  await Promise.all(lab.hosts.map((host) => host.start("up")));
  const manifest = lab.write(
    "web.yaml",
    `apiVersion: orchestra/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: 2
  image: orchestra-demo:1
  imagePullPolicy: Never
  ports: [{ name: http, containerPort: 8080 }]
  readiness: { http: { path: /readyz, port: http } }
  placement: { spread: node, maxPerNode: 1 }
`,
  );
  await ok(one.orchestra("apply", "-f", manifest, "--timeout", "90s"));
});
after(() => lab?.close());

async function ok(outcome: ReturnType<LabHost["run"]>): Promise<string> {
  const { code, stdout, stderr } = await outcome;
  assert.equal(code, 0, stdout + stderr);
  return stdout.trim();
}

async function podOn(host: LabHost) {
  const pod = (await lab.pods("web")).find(({ node }) => node === host.name);
  assert.ok(pod?.ip);
  const container = await ok(host.run("docker", "ps", "-q", "--no-trunc", "--filter", `label=orchestra.pod=${pod.id}`));
  return { ...pod, ip: pod.ip, container };
}

/** From inside the container of the pod on `host`. */
async function reaches(host: LabHost, url: string): Promise<boolean> {
  const { container } = await podOn(host);
  return (await host.run("docker", "exec", container, "/demo", "probe", url)).code === 0;
}

const routesOf = (host: LabHost) => ok(host.run("ip", "route", "show", "proto", "142"));

async function rulesOf(host: LabHost): Promise<string[]> {
  const lines = await Promise.all([ok(host.run("iptables", "-S")), ok(host.run("iptables", "-t", "nat", "-S"))]);
  return lines
    .join("\n")
    .split("\n")
    .filter((line) => /--comment "?orchestra-/.test(line));
}

test("containers on different hosts reach each other by address and by name", { skip }, async () => {
  for (const [from, to] of [
    [one, two],
    [two, one],
    [one, one],
  ] as const) {
    const { ip, name } = await podOn(to);
    await eventually(`${from.name} to ${ip}`, () => reaches(from, `http://${ip}:8080/`));
    const url = `http://${name}.web.cluster.local:8080/`;
    await eventually(`${from.name} to ${name} by name`, () => reaches(from, url));
  }
});

test("doctor and status find nothing amiss between the hosts", { skip }, async () => {
  assert.match((await one.orchestra("doctor")).stdout, /Other nodes +a way to the containers of 1 other node/);
  assert.match((await two.orchestra("status")).stdout, /All is well/);
});

test("a host itself reaches containers of another one", { skip }, async () => {
  const { ip, name } = await podOn(two);
  const script = `fetch("http://${ip}:8080/").then((answer) => answer.text()).then(console.log)`;
  assert.match(await ok(one.run(process.execPath, "-e", script)), new RegExp(`^${name} `));
});

test("a container sees the other's own address", {
  skip,
}, async () => {
  const [client, server] = [await podOn(one), await podOn(two)];
  const { State } = await two.docker.getContainer(server.container).inspect();
  const script = `require("http").createServer((request, response) => {
    console.log(request.socket.remoteAddress); response.end("x"); setTimeout(() => process.exit(), 100);
  }).listen(9999, "0.0.0.0")`;
  const seen = ok(two.run("nsenter", `--net=/proc/${State.Pid}/ns/net`, process.execPath, "-e", script));
  await eventually("an answer", () => reaches(one, `http://${server.ip}:9999/`));
  assert.equal(await seen, client.ip);
});

test("a route or rule that somebody removes comes back, and nothing is set twice", { skip }, async () => {
  const [route, rules] = [await routesOf(one), await rulesOf(one)];
  assert.equal(rules.length, 2);
  await ok(one.run("ip", "route", "flush", "proto", "142"));
  await ok(one.run("iptables", "-F", "DOCKER-USER"));
  await ok(one.run("iptables", "-t", "nat", "-I", "POSTROUTING", "-s", "10.42.0.0/16", "-j", "MASQUERADE"));
  const isBack = async () => {
    const first = (await ok(one.run("iptables", "-t", "nat", "-S", "POSTROUTING"))).split("\n")[1] ?? "";
    return (await routesOf(one)) === route && first.includes("orchestra-") && (await rulesOf(one)).length === 2;
  };
  await eventually("as before", isBack, relistMs);
  assert.deepEqual((await rulesOf(one)).sort(), rules.sort());
  const { ip } = await podOn(two);
  assert.ok(await reaches(one, `http://${ip}:8080/`));
  await ok(one.run("iptables", "-t", "nat", "-D", "POSTROUTING", "-s", "10.42.0.0/16", "-j", "MASQUERADE"));
});

test("with a forgotten node go its route, the rules and its range; down --pods leaves nothing of ours", {
  skip,
}, async () => {
  const range = (await podOn(two)).ip.replace(/\.\d+$/, ".0/24");
  const store = await lab.store();
  assert.equal((await store.read(rangeKey(range)))?.value.node, two.name);
  await ok(one.run("ip", "route", "add", "10.99.0.0/24", "via", one.address.replace(/\d+$/, "1")));
  await two.kill();
  await eventually(
    "the node is given up",
    async () => (await one.orchestra("nodes", "forget", two.name, "--yes")).code === 0,
    30_000,
  );
  await eventually("its route is gone", async () => (await routesOf(one)) === "", relistMs);
  await eventually("the rules are gone", async () => (await rulesOf(one)).length === 0, relistMs);
  assert.equal(await store.read(rangeKey(range)), undefined);
  assert.match(await ok(one.run("ip", "route")), /^10\.99\.0\.0\/24 /m);
  await two.boot();
  await two.start("up");
  await eventually("it is back, with a route to it", async () => (await routesOf(one)) !== "", relistMs);
  await ok(one.orchestra("down", "--pods"));
  assert.equal(await routesOf(one), "");
  assert.deepEqual(await rulesOf(one), []);
});
