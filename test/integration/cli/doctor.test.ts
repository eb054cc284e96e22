// What doctor says of a store that is none and of ports that others hold, with what to do about it.
import assert from "node:assert/strict";
import { createSocket } from "node:dgram";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { checkNames, type NamesFacts } from "../../../src/cli/doctor/check-names.ts";
import { checkStore } from "../../../src/cli/doctor/check-store.ts";
import type { Check } from "../../../src/cli/doctor/checks.ts";
import { anyFreePort } from "../../../src/dns/coredns-ports.ts";
import { ensureCluster } from "../../../src/store/cluster.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { act } from "../../support/builders.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const lineOf = ({ state, name, message, mend }: Check) =>
  `${state} ${name}: ${message}${mend === undefined ? "" : ` -> ${mend}`}`;

async function storeFindings(path: string): Promise<string[]> {
  const { checks, store } = await checkStore(`file:${path}`, {});
  await store?.close();
  return checks.map(lineOf);
}

test("a store that is none, is damaged or cannot be reached fails, each with what to do", async (t) => {
  const folder = await tempFolder(t);
  const text = join(folder, "text.db");
  await writeFile(text, "apiVersion: orchestra/v1\n".repeat(40));
  assert.deepEqual(await storeFindings(text), [
    `fail Store: ${text} is not an orchestra store -> give another path with --store file:PATH`,
  ]);
  const below = join(text, "store.db");
  assert.deepEqual(await storeFindings(below), [
    `fail Store: ${text} is not a folder, so there can be no store in it -> give another path with --store file:PATH`,
  ]);
  assert.deepEqual(await storeFindings(join(folder, "none.db")), ["ok Store: none yet: orchestra up creates it"]);
  const sound = join(folder, "store.db");
  const store = await openStore(`file:${sound}`, { create: true });
  await ensureCluster(store, { now: act.at });
  await store.close();
  const [first = "", disk = ""] = await storeFindings(sound);
  assert.match(first, /^ok Store: .*store\.db, cluster [0-9a-f]{8}, \d+ KiB, 1 commits$/);
  assert.match(disk, /^(ok|warn) Store's disk: /);
});

async function hold(t: TestContext, address: string, port: number): Promise<void> {
  const socket = createSocket("udp4");
  t.after(() => socket.close());
  await new Promise<void>((resolve) => socket.bind({ port, address, exclusive: true }, resolve));
}

const facts: Omit<NamesFacts, "wantedLocalPort"> = {
  program: { kind: "file", name: "/usr/bin/coredns" },
  status: undefined,
  upIsRunning: false,
  gateway: undefined,
};

test("a port for names that another program holds is told before up finds it", async (t) => {
  const wantedLocalPort = await anyFreePort();
  const port = async () => (await checkNames({ ...facts, wantedLocalPort })).at(-1);
  assert.deepEqual(await port(), { state: "ok", name: `Port ${wantedLocalPort}`, message: "free on 127.0.0.1" });
  await hold(t, "127.0.0.1", wantedLocalPort);
  const taken = await port();
  assert.equal(
    taken && lineOf(taken),
    `warn Port ${wantedLocalPort}: taken on 127.0.0.1: another free port is used -> set ORCHESTRA_DNS_PORT`,
  );
});

test("port 53 of the gateway, which nothing can stand in for, fails with who to look for", async (t) => {
  const wantedLocalPort = await anyFreePort();
  // An address of loopback that nobody else uses stands for the bridge's.
  const gateway = `127.${[77, process.pid >> 8, process.pid].map((part) => (part & 0x7f) + 1).join(".")}`;
  const port = async () => (await checkNames({ ...facts, wantedLocalPort, gateway })).at(-1);
  const free = await port();
  if (free?.message.startsWith("not allowed")) {
    assert.equal(free.mend, "run orchestra as root");
    return;
  }
  assert.deepEqual(free, { state: "ok", name: "Port 53", message: `free on ${gateway}` });
  await hold(t, gateway, 53);
  const taken = await port();
  assert.match(
    taken ? lineOf(taken) : "",
    /^fail Port 53: taken on 127\.[\d.]+, where containers ask -> make the program .* \(ss -lnup 'sport = 53' names it\)$/,
  );
});
