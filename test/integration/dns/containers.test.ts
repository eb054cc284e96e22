// Names inside real containers, and CoreDNS as a container itself. The world outside is a resolver of the test's own.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createSocket } from "node:dgram";
import { cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { decode, encode } from "dns-packet";
import Docker from "dockerode";
import { findProgram, foldersOf, stopCoredns } from "../../../src/dns/coredns-process.ts";
import { dnsStatus } from "../../../src/dns/coredns-status.ts";
import { documentsOf, fill } from "../../support/builders.ts";
import { askDns, barePackage, dnsFixture, packageDir } from "../../support/dns.ts";
import { eventually } from "../../support/eventually.ts";

const run = promisify(execFile);
const docker = new Docker();
const own = () => `orchestra-test-dns-${process.pid}-${Math.floor(Math.random() * 1e9)}`;

interface Test {
  after(clean: () => Promise<void>): void;
}

interface Place {
  readonly name: string;
  readonly gateway: string;
  /** Of a demo container that asks as orchestra's containers do. */
  readonly address: string;
}

/** A network with a container in it, gone together when the test ends. */
async function place(t: Test): Promise<Place> {
  const name = own();
  const network = await docker.createNetwork({ Name: name });
  let container: Docker.Container | undefined;
  t.after(async () => {
    await container?.remove({ force: true });
    await network.remove();
  });
  const gateway = (await network.inspect()).IPAM?.Config?.[0]?.Gateway ?? assert.fail("the engine names no gateway");
  container = await docker.createContainer({
    Image: "orchestra-demo:1",
    HostConfig: { NetworkMode: name, Dns: [gateway], DnsSearch: ["cluster.local"] },
  });
  await container.start();
  const { Networks } = (await container.inspect()).NetworkSettings;
  return { name, gateway, address: Networks[name]?.IPAddress ?? assert.fail("no address") };
}

/** A resolver that knows one name outside the cluster; gives the resolv.conf that names it. */
async function outside(t: Test, folder: string): Promise<string> {
  const address = `127.${20 + Math.floor(Math.random() * 200)}.${Math.floor(Math.random() * 256)}.53`;
  const socket = createSocket("udp4");
  socket.on("message", (message, from) => {
    const { id, questions = [] } = decode(message);
    const [question] = questions;
    const known = question?.type === "A" && question.name === "shop.example";
    const answers = known ? [{ type: "A" as const, name: question.name, ttl: 5, data: "192.0.2.7" }] : [];
    socket.send(encode({ type: "response", id: id ?? 0, questions, answers }), from.port, from.address);
  });
  await new Promise<void>((resolve) => socket.bind(53, address, resolve));
  socket.unref();
  t.after(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  await writeFile(join(folder, "resolv.conf"), `nameserver ${address}\n`);
  return join(folder, "resolv.conf");
}

async function resolved(address: string, name: string, type = "a"): Promise<string> {
  const response = await fetch(`http://${address}:8080/resolve?name=${name}&type=${type}`).catch(() => undefined);
  return response ? (await response.text()).trim() : "";
}

test("containers resolve each other's names and names outside", async (t) => {
  const { name, gateway, address } = await place(t);
  const dns = await dnsFixture(t);
  const node = { network: { name, range: "", gateway } };
  const web = {
    template: { ports: [{ name: "http", containerPort: 8080 }] },
    pods: [{ status: { ip: address } }],
  };
  await fill(dns.store, documentsOf({ deployments: { web }, nodes: { "node-1": node } }));
  await dns.start({ gatewayPort: 53, resolvConf: await outside(t, dns.stateDir) });
  // A resolver that meets nobody waits for seconds: containers are asked when CoreDNS is there.
  await eventually("an answer", async () => (await askDns(gateway, 53, "web.cluster.local", "A")).answers.length > 0);
  const want = JSON.stringify([address]);
  for (const asked of ["web", "web.cluster.local", "web-0.web", "web-0.web.cluster.local"]) {
    await eventually(`${asked} answers`, async () => (await resolved(address, asked)) === want);
  }
  assert.equal(await resolved(address, "_http._tcp.web.cluster.local", "srv"), '["web-0.web.cluster.local.:8080"]');
  assert.equal(await resolved(address, "shop.example"), '["192.0.2.7"]');
  assert.match(await resolved(address, "nobody"), /no such host/);
});

/** An image like the published one, made of the program that is here. */
async function image(t: Test, folder: string): Promise<string> {
  const program = await findProgram([...foldersOf(process.env["PATH"] ?? ""), join(packageDir, ".cache/bin")], "none");
  assert.equal(program.kind, "file", "these tests need a coredns; make setup builds one");
  const root = join(folder, "image");
  await mkdir(root);
  await cp(program.name, join(root, "coredns"), { dereference: true });
  // Of a program that was not linked statically the image needs the libraries too.
  const { stdout } = await run("ldd", [program.name]).catch(() => ({ stdout: "" }));
  for (const [library] of stdout.matchAll(/\/\S+(?= \(0x)/g)) {
    await cp(library, join(root, library), { dereference: true, recursive: true });
  }
  const name = `${own()}:1`;
  await run("tar", ["-C", root, "-cf", join(folder, "image.tar"), "."]);
  await run("docker", ["import", join(folder, "image.tar"), name]);
  t.after(() => docker.getImage(name).remove());
  return name;
}

test("without the program its image runs as a container, is kept by the next start, and removed when it is stopped", async (t) => {
  const dns = await dnsFixture(t);
  const bare = await barePackage(dns);
  const options = { image: await image(t, dns.stateDir), packageDir: bare, searchPath: "" };
  const network = { name: "n", range: "127.0.0.0/24", gateway: dns.gateway };
  await fill(dns.store, documentsOf({ deployments: { web: {} }, nodes: { "node-1": { network } } }));
  const first = await dns.start(options);
  await eventually("an answer", async () => (await dns.ask("web")).answers.length === 1);
  const containers = () =>
    docker.listContainers({ filters: { label: [`orchestra.dns=${join(dns.stateDir, "dns")}`] } });
  // It answers before the engine has told who it is; it is noted when the pass has ended.
  await first.close();
  const [started] = await containers();
  const pid = (await dnsStatus(dns.stateDir))?.pid;
  assert.ok(pid);
  await dns
    .start(options)
    .then((second) =>
      eventually("it is kept", () => dns.said.some((line) => line.includes("is kept"))).then(second.close),
    );
  assert.equal((await dnsStatus(dns.stateDir))?.pid, pid);
  assert.equal((await containers())[0]?.Id, started?.Id);
  assert.equal(await stopCoredns(dns.stateDir), true);
  assert.deepEqual(await containers(), []);
});

test("without program, image and registry it is said what would help", async (t) => {
  const dns = await dnsFixture(t);
  const bare = await barePackage(dns);
  const network = { name: "n", range: "127.0.0.0/24", gateway: dns.gateway };
  await fill(dns.store, documentsOf({ nodes: { "node-1": { network } } }));
  await dns.start({ image: "127.0.0.1:1/none:1", packageDir: bare, searchPath: "" });
  const line = await eventually("it is said", () => dns.said.find((said) => said.includes("its image")));
  assert.match(line ?? "", /no coredns on PATH or in \.cache\/bin.*install CoreDNS, or run `make`/);
});
