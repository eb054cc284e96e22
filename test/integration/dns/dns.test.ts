// The room as a whole, with a real store and a real CoreDNS.
import assert from "node:assert/strict";
import { mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { corednsFiles, findProgram, foldersOf, stopCoredns } from "../../../src/dns/coredns-process.ts";
import { dnsStatus } from "../../../src/dns/coredns-status.ts";
import { OrchestraError } from "../../../src/model/errors.ts";
import { nodeKey } from "../../../src/model/keys.ts";
import { isRunning, readProcessRecord, writeProcessRecord } from "../../../src/process-record.ts";
import type { Snapshot, Store } from "../../../src/store/store.ts";
import { put } from "../../../src/store/store.ts";
import { node } from "../../support/builders.ts";
import { dnsFixture, packageDir } from "../../support/dns.ts";
import { answersWith, fillWith, pidOf, say } from "../../support/dns-names.ts";
import { eventually } from "../../support/eventually.ts";

test("pods answer by name, a change shows, and what is not there is told apart", async (t) => {
  const dns = await dnsFixture(t);
  await fillWith(dns, 2);
  await dns.start();
  await answersWith(dns, "web", ["10.42.0.10", "10.42.0.11"]);
  await answersWith(dns, "web-1.web", ["10.42.0.11"]);

  const srv = await dns.ask("_http._tcp.web", "SRV");
  const target = (slot: number) => `web-${slot}.web.cluster.local`;
  assert.deepEqual(
    srv.answers,
    [0, 1].map((slot) => `_http._tcp.web.cluster.local SRV 8080 ${target(slot)}`),
  );
  assert.deepEqual(
    srv.additionals,
    [0, 1].map((slot) => `${target(slot)} A 10.42.0.1${slot}`),
  );
  assert.deepEqual(await dns.ask("web", "AAAA").then(({ code, answers }) => ({ code, answers })), {
    code: "NOERROR",
    answers: [],
  });
  assert.equal((await dns.ask("nobody")).code, "NXDOMAIN");

  await say(dns.store, ["10.42.0.77"]);
  await answersWith(dns, "web", ["10.42.0.77"]);
  assert.equal((await dns.ask("web-1.web")).code, "NXDOMAIN");
  const told = (await dnsStatus(dns.stateDir)) ?? assert.fail();
  assert.equal(told.running && told.healthy, true);
  assert.equal(told.answeredSerial, told.serial);
});

test("names answer on without us; the next start keeps the same CoreDNS, and serials go on rising", async (t) => {
  const dns = await dnsFixture(t);
  await fillWith(dns, 1);
  const first = await dns.start();
  await answersWith(dns, "web", ["10.42.0.10"]);
  const before = (await dnsStatus(dns.stateDir)) ?? assert.fail();
  await first.close();
  await answersWith(dns, "web", ["10.42.0.10"]);

  await dns.start();
  await say(dns.store, ["10.42.0.78"]);
  await answersWith(dns, "web", ["10.42.0.78"]);
  const after = (await dnsStatus(dns.stateDir)) ?? assert.fail();
  assert.equal(after.pid, before.pid);
  assert.ok((after.serial ?? 0) > (before.serial ?? 0), `${before.serial} → ${after.serial}`);
  assert.ok(dns.said.some((line) => line.includes("is still running and is kept")));
});

test("a start while the store is away starts CoreDNS with the last zone, and follows the store when it is back", async (t) => {
  const dns = await dnsFixture(t);
  await fillWith(dns, 1);
  const first = await dns.start();
  await answersWith(dns, "web", ["10.42.0.10"]);
  await first.close();
  process.kill((await pidOf(dns)) ?? assert.fail(), "SIGKILL");
  assert.equal((await dns.ask("web")).code, "SILENT");

  let away = true;
  const view: Store["view"] = async (selectors) => {
    if (away) throw new OrchestraError("unavailable", "the store is away");
    return dns.store.view(selectors);
  };
  await dns.start({ store: { ...dns.store, view } });
  await answersWith(dns, "web", ["10.42.0.10"]);
  await say(dns.store, ["10.42.0.79"]);
  away = false;
  await answersWith(dns, "web", ["10.42.0.79"]);
});

test("a killed CoreDNS is started again on the same port", async (t) => {
  const dns = await dnsFixture(t);
  await fillWith(dns, 1);
  await dns.start();
  await answersWith(dns, "web", ["10.42.0.10"]);
  for (let round = 0; round < 2; round += 1) {
    const pid = (await pidOf(dns)) ?? assert.fail();
    process.kill(pid, "SIGKILL");
    await eventually("another CoreDNS", async () => (await pidOf(dns)) !== pid);
    await answersWith(dns, "web", ["10.42.0.10"]);
  }
  assert.equal((await dnsStatus(dns.stateDir))?.localPort, dns.localPort);
});

test("a zone file that is deleted comes back, and CoreDNS answers on", async (t) => {
  const dns = await dnsFixture(t);
  await fillWith(dns, 1);
  await dns.start();
  await answersWith(dns, "web", ["10.42.0.10"]);
  const { zone } = corednsFiles(dns.stateDir);
  await rm(zone);
  await eventually("the file", () => readFile(zone, "utf8").then(Boolean, () => false));
  await answersWith(dns, "web", ["10.42.0.10"]);
});

test("the folder of names is deleted under us: the same CoreDNS answers on, is noted and learns what changes", async (t) => {
  const dns = await dnsFixture(t);
  await fillWith(dns, 1);
  await dns.start();
  await answersWith(dns, "web", ["10.42.0.10"]);
  const files = corednsFiles(dns.stateDir);
  const old = readProcessRecord(files.record) ?? assert.fail();
  await rm(files.folder, { recursive: true });
  await eventually("it is noted", async () => (await dnsStatus(dns.stateDir))?.healthy === true);
  assert.equal((await dnsStatus(dns.stateDir))?.pid, old.pid);
  await say(dns.store, ["10.42.0.79"]);
  await answersWith(dns, "web", ["10.42.0.79"]);
});

test("before the node has a bridge CoreDNS waits for it", async (t) => {
  const dns = await dnsFixture(t);
  const { network: _network, ...bare } = node();
  await dns.store.commit({ changes: [put(nodeKey("node-1"), bare, "absent")] });
  await dns.start();
  await eventually("it is said", () => dns.said.some((line) => line.includes("waits for the node's bridge")));
  assert.equal(await dnsStatus(dns.stateDir), undefined);
  const version = (await dns.store.read(nodeKey("node-1")))?.version ?? assert.fail();
  const network = { name: "n", range: "127.0.0.0/24", gateway: dns.gateway };
  await dns.store.commit({ changes: [put(nodeKey("node-1"), { ...bare, network }, version)] });
  await eventually("an answer", async () => (await dns.ask("nobody")).code === "NXDOMAIN");
});

test("a stranger that has the noted pid is neither kept nor stopped", async (t) => {
  const dns = await dnsFixture(t);
  await fillWith(dns, 1);
  await dns.start().then((started) => answersWith(dns, "web", ["10.42.0.10"]).then(() => started.close()));
  const { record } = corednsFiles(dns.stateDir);
  const noted = readProcessRecord(record) ?? assert.fail();
  await stopCoredns(dns.stateDir);
  writeProcessRecord(record, { ...noted, pid: process.pid });
  await dns.start();
  await eventually("a CoreDNS of its own", async () => ![undefined, process.pid].includes(await pidOf(dns)));
  await answersWith(dns, "web", ["10.42.0.10"]);
});

test("another program or Corefile replaces the CoreDNS that runs", async (t) => {
  const dns = await dnsFixture(t);
  await fillWith(dns, 1);
  const first = await dns.start();
  await answersWith(dns, "web", ["10.42.0.10"]);
  const old = readProcessRecord(corednsFiles(dns.stateDir).record) ?? assert.fail();
  await first.close();
  const other = join(dns.stateDir, "bin");
  await mkdir(other);
  const { name } = await findProgram([...foldersOf(process.env["PATH"] ?? ""), join(packageDir, ".cache/bin")], "none");
  await symlink(name, join(other, "coredns"));
  await dns.start({ searchPath: other });
  await eventually(
    "another process",
    async () => (await pidOf(dns)) !== old.pid && (await dnsStatus(dns.stateDir))?.healthy,
  );
  assert.equal(isRunning(old), false);
  await answersWith(dns, "web", ["10.42.0.10"]);
});

test("a CoreDNS that does not start is told with its own last words", async (t) => {
  const dns = await dnsFixture(t);
  await fillWith(dns, 1);
  await writeFile(join(dns.stateDir, "Corefile"), "cluster.local:{$GATEWAY_PORT} {\n    nonsense\n}\n");
  await dns.start({ packageDir: dns.stateDir });
  const line = await eventually("it is said", () => dns.said.find((said) => said.includes("does not start")));
  assert.match(line ?? "", /Unknown directive 'nonsense'/);
  assert.equal((await dnsStatus(dns.stateDir))?.running, false);
});

test("a store that cannot be asked changes no answer", async (t) => {
  const dns = await dnsFixture(t);
  await fillWith(dns, 1);
  const first = await dns.start();
  await answersWith(dns, "web", ["10.42.0.10"]);
  await first.close();
  const zone = await readFile(corednsFiles(dns.stateDir).zone, "utf8");
  // Nobody is there to start it again until we are back, and then the store is not.
  process.kill((await pidOf(dns)) ?? assert.fail(), "SIGKILL");

  const blind: Snapshot = { position: 0, fresh: false, get: () => undefined, list: () => [], damaged: new Map() };
  const gone: Store = {
    ...dns.store,
    view: async () => ({ snapshot: () => blind, onChange: () => () => {}, close: () => {} }),
  };
  await dns.start({ store: gone });
  await answersWith(dns, "web", ["10.42.0.10"]);
  assert.equal(await readFile(corednsFiles(dns.stateDir).zone, "utf8"), zone);
});

test("stopping says whether something ran, and ends the answers", async (t) => {
  const dns = await dnsFixture(t);
  assert.equal(await stopCoredns(dns.stateDir), false);
  await fillWith(dns, 1);
  const started = await dns.start();
  await answersWith(dns, "web", ["10.42.0.10"]);
  await started.close();
  assert.equal(await stopCoredns(dns.stateDir), true);
  assert.equal((await dns.ask("web")).code, "SILENT");
  assert.equal(await dnsStatus(dns.stateDir), undefined);
});
