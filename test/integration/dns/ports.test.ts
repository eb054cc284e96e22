// The ports that CoreDNS answers on, where others want them too.
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { test } from "node:test";
import { anyFreePort } from "../../../src/dns/coredns-ports.ts";
import { dnsStatus } from "../../../src/dns/coredns-status.ts";
import { askDns, dnsFixture } from "../../support/dns.ts";
import { answersWith, fillWith, say } from "../../support/dns-names.ts";
import { eventually } from "../../support/eventually.ts";

test("a taken port on loopback: another one, and it is said and noted", async (t) => {
  const dns = await dnsFixture(t);
  await fillWith(dns, 1);
  const other = createSocket("udp4");
  t.after(() => other.close());
  await new Promise<void>((resolve) => other.bind(dns.localPort, "127.0.0.1", resolve));
  await dns.start();
  await answersWith(dns, "web", ["10.42.0.10"]);
  const port = (await dnsStatus(dns.stateDir))?.localPort;
  assert.notEqual(port, dns.localPort);
  await eventually("it is said", () => dns.said.some((line) => line.includes(`answer on 127.0.0.1:${port} instead`)));
});

test("two clusters that want one port of loopback at the same moment do not share it", async (t) => {
  const both = [await dnsFixture(t), await dnsFixture(t)];
  const localPort = await anyFreePort();
  for (const [at, dns] of both.entries()) {
    await fillWith(dns, 1);
    await say(dns.store, [`10.42.0.${80 + at}`]);
  }
  await Promise.all(both.map((dns) => dns.start({ localPort })));
  const ports = new Set<number | undefined>();
  for (const [at, dns] of both.entries()) {
    const want = `10.42.0.${80 + at}`;
    await answersWith(dns, "web", [want]);
    const status = await eventually("it is noted", () => dnsStatus(dns.stateDir));
    ports.add(status.localPort);
    const local = await askDns("127.0.0.1", status.localPort, "web.cluster.local", "A");
    assert.deepEqual(local.answers, [`web.cluster.local A ${want}`]);
  }
  assert.equal(ports.size, 2);
  assert.ok(ports.has(localPort));
});

test("another port asked for on loopback is taken at the next start, also from a CoreDNS that runs", async (t) => {
  const dns = await dnsFixture(t);
  await fillWith(dns, 1);
  const first = await dns.start();
  await answersWith(dns, "web", ["10.42.0.10"]);
  await first.close();
  const localPort = await anyFreePort();
  await dns.start({ localPort });
  await eventually("the other port", async () => (await dnsStatus(dns.stateDir))?.localPort === localPort);
  await answersWith(dns, "web", ["10.42.0.10"]);
  assert.equal(
    dns.said.some((line) => line.includes("instead")),
    false,
  );
});

test("a taken port on the gateway is told with the port, and served as soon as it is free", async (t) => {
  const dns = await dnsFixture(t);
  await fillWith(dns, 1);
  const other = createSocket("udp4");
  // A test that fails before it closes the socket must still end.
  other.unref();
  await new Promise<void>((resolve) => other.bind(dns.gatewayPort, dns.gateway, resolve));
  await dns.start();
  await eventually("it is said", () =>
    dns.said.some((line) => line.includes(`port ${dns.gatewayPort} of ${dns.gateway}`)),
  );
  await new Promise<void>((resolve) => other.close(resolve));
  await answersWith(dns, "web", ["10.42.0.10"]);
});
