// What doctor says of a store on ZooKeeper, with real servers in each of the states that it tells apart.
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { checkStore } from "../../../src/cli/doctor/check-store.ts";
import type { StoreAccess } from "../../../src/model/store-access.ts";
import { ensureCluster } from "../../../src/store/cluster.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { act } from "../../support/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { type RunningZooKeeper, startZooKeeper } from "../../support/zookeeper-server.ts";
import { endServer, storeLab } from "../../support/zookeeper-store.ts";

const none: StoreAccess = {};
const ann: StoreAccess = { user: "ann", password: "s3cret-of-ann" };
const wrong: StoreAccess = { user: "ann", password: "wr0ng-of-ann" };

after(endServer);

/** One line for each check of the store, as `doctor` prints them, with what to do; the numbers that differ each time left out. */
async function findings(url: string, access = none): Promise<string[]> {
  const { checks, store } = await checkStore(url, access);
  await store?.close();
  return checks.map(({ state, name, message, mend }) => {
    const text = message.replaceAll(/127\.\d+\.\d+\.(\d+):\d+/g, "server$1").replaceAll(/\d+ ms/g, "N ms");
    return `${state} ${name}: ${text}${mend === undefined ? "" : ` -> ${mend}`}`;
  });
}

async function makeStore(url: string, access = none): Promise<void> {
  const store = await openStore(url, { create: true, access: () => access });
  await ensureCluster(store, { now: act.at });
  await store.close();
}

async function serverOf(t: TestContext, options: Parameters<typeof startZooKeeper>[0]): Promise<RunningZooKeeper> {
  const running = await startZooKeeper(options);
  t.after(() => running.close());
  return running;
}

test("one server alone: it answers, and that it is alone is a remark", async (t) => {
  const { url } = await storeLab(t);
  const [missing, ...before] = await findings(url);
  assert.equal(missing, "ok Store: none yet: orchestra up creates it");
  assert.deepEqual(before, [
    "ok Store's server: server1 answers after N ms, standalone",
    "warn Store's quorum: one server alone: when it fails, nothing can be changed -> run three, and name all of them",
  ]);
  await makeStore(url);
  const [store = "", ...others] = await findings(url);
  assert.match(store, /^ok Store: zk:\/\/server1\/lab\d+, cluster [0-9a-f]{8}, \d+ commits$/);
  assert.deepEqual(others.slice(0, 2), before);
  assert.deepEqual(others.slice(2), [
    "ok Store's access: everyone who reaches the servers can write it, and so run any image; only this machine does",
  ]);
});

test("a slow server is named with its milliseconds, and one whose role cannot be asked without it", async (t) => {
  const lab = await storeLab(t);
  const { link } = await lab.open();
  link.delay(150);
  const all = await findings(`zk://${link.host}:${link.port}${lab.chroot}`);
  const slow = "warn Store's server: server\\d+ takes N ms to answer -> give ZooKeeper's dataLogDir a disk";
  assert.ok(
    all.some((line) => new RegExp(`^${slow}`).test(line)),
    all.join("\n"),
  );
});

test("who may write the store, and whom it does not let in", async (t) => {
  const lab = await storeLab(t);
  await makeStore(lab.url, ann);
  const right = await findings(lab.url, ann);
  assert.match(right[0] ?? "", /^ok Store: /);
  assert.equal(right.at(-1), "ok Store's access: only with its credentials");
  for (const access of [wrong, none]) {
    const all = await findings(lab.url, access);
    assert.match(all[0] ?? "", /^fail Store: .* does not let these credentials in \(.*\) -> set ORCHESTRA_STORE_USER/);
    assert.ok(!all.some((line) => line.includes("Store's access")), "who may not look cannot tell");
    assert.doesNotMatch(all.join(), /s3cret|wr0ng/);
  }
  const open = await storeLab(t);
  await makeStore(open.url);
  assert.equal(
    (await findings(open.url, ann)).at(-1),
    "warn Store's access: it was created without credentials: everyone who reaches it can write it" +
      " -> export it, remove its path, and import it with the credentials set",
  );
});

test("settings that do not go together are an error, and no finding about servers", async (t) => {
  const { url } = await storeLab(t);
  await assert.rejects(findings(url, { user: "ann" }), { code: "invalid", message: /no password/ });
});

test("an ensemble: the role of each server, one that is gone, and a quorum that is lost and back", async (t) => {
  const running = await serverOf(t, { servers: 3 });
  const url = `zk://${running.connect}/a`;
  await makeStore(url);
  const whole = await findings(url);
  const servers = whole.slice(1, 4).map((line) => line.replace(/server\d/, "server"));
  assert.deepEqual(servers.toSorted(), [
    "ok Store's server: server answers after N ms, follower",
    "ok Store's server: server answers after N ms, follower",
    "ok Store's server: server answers after N ms, leader",
  ]);
  assert.equal(whole[4], "ok Store's quorum: 3 of 3 servers can be used");

  const [first, second] = running.servers;
  await first?.kill();
  await running.leader();
  const without = await eventually("the other two serve", async () => {
    const all = await findings(url);
    return all.some((line) => line.includes("2 of 3")) && all;
  });
  assert.ok(
    without.includes("warn Store's quorum: 2 of 3 servers can be used -> bring the others back before another fails"),
  );
  const gone = without.find((line) => line.includes("server1 "));
  assert.match(
    gone ?? "",
    /^warn Store's server: server1 cannot be used: .*nothing listens there.* -> look at its log/,
  );

  await second?.kill();
  const lost = await eventually(
    "no server serves",
    async () => {
      const all = await findings(url);
      return all.some((line) => line.includes("none of 3")) && all;
    },
    30_000,
  );
  assert.match(lost[0] ?? "", /^fail Store: .* -> ./);
  assert.ok(
    lost.includes(
      "fail Store's quorum: none of 3 servers can be used" +
        " -> start ZooKeeper's servers: more than half of them are needed; pods and names go on meanwhile",
    ),
  );
  assert.equal(lost.filter((line) => /^warn Store's server: server\d cannot be used/.test(line)).length, 3);

  await Promise.all([first?.start(), second?.start()]);
  await running.leader();
  await eventually(
    "all is well again",
    async () => (await findings(url)).every((line) => line.startsWith("ok ")),
    30_000,
  );
});

test("a server that allows few four-letter words tells its role all the same", async (t) => {
  const running = await serverOf(t, {});
  const config = join(running.folder, "1", "zoo.cfg");
  const lines = (await readFile(config, "utf8")).replace(/^4lw.*$/m, "4lw.commands.whitelist=ruok");
  await writeFile(config, lines);
  await running.servers[0]?.kill();
  await running.servers[0]?.start();
  const url = `zk://${running.connect}/a`;
  await eventually("it serves", () =>
    makeStore(url).then(
      () => true,
      () => false,
    ),
  );
  const all = await findings(url);
  assert.equal(all[1], "ok Store's server: server1 answers after N ms, standalone");
});

test("over TLS: certificates that fit, a server that nobody vouches for, and no certificate of our own", async (t) => {
  const running = await serverOf(t, { tls: "need" });
  const other = await serverOf(t, { tls: "need" });
  const folder = await tempFolder(t);
  const write = async (name: string, text = "") => {
    await writeFile(join(folder, name), text);
    return join(folder, name);
  };
  const { certificates } = running;
  const caFile = await write("ca", certificates?.ca);
  const own = {
    certFile: await write("cert", certificates?.client.cert),
    keyFile: await write("key", certificates?.client.key),
  };
  const [server] = running.servers;
  const url = `zks://${server?.host}:${server?.securePort}/a`;
  await makeStore(url, { caFile, ...own, ...ann });
  const right = await findings(url, { caFile, ...own, ...ann });
  assert.deepEqual(right.slice(1), [
    "ok Store's server: server1 answers after N ms, standalone",
    "warn Store's quorum: one server alone: when it fails, nothing can be changed -> run three, and name all of them",
    "ok Store's access: only with its credentials",
  ]);
  const strangers = { caFile: await write("other-ca", other.certificates?.ca), ...own, ...ann };
  const cases = [
    { access: strangers, says: "TLS: .*(verify the first certificate|self-signed certificate).*" },
    // Its alert may be overtaken by the end of the connection.
    { access: { caFile, ...ann }, says: "(TLS: ssl/tls alert (bad certificate|certificate required)|it .*)" },
  ];
  for (const { access, says } of cases) {
    const all = await findings(url, access);
    assert.match(all[0] ?? "", /^fail Store: /);
    assert.match(all[1] ?? "", new RegExp(`^warn Store's server: server1 cannot be used: .*${says} -> look at its`));
    assert.doesNotMatch(all[1] ?? "", /error:0A/);
    assert.match(all[2] ?? "", /^fail Store's quorum: none of 1 servers can be used/);
  }
});
