// Opening a store on ZooKeeper: who may, what is there, and what is said when it cannot be.
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { after, test } from "node:test";
import { messageOf } from "../../../src/model/errors.ts";
import { clusterKey, deploymentKey, presenceKey } from "../../../src/model/keys.ts";
import type { StoreAccess } from "../../../src/model/store-access.ts";
import { ensureCluster } from "../../../src/store/cluster.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { put, type Store } from "../../../src/store/store.ts";
import { examineServers } from "../../../src/store/zookeeper-examine.ts";
import { parseZooKeeperUrl } from "../../../src/store/zookeeper-url.ts";
import { openAcl } from "../../../src/zookeeper/records.ts";
import { act, deployment } from "../../support/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { startZooKeeper } from "../../support/zookeeper-server.ts";
import { endServer, storeLab } from "../../support/zookeeper-store.ts";

const web = deploymentKey("web");
const ann: StoreAccess = { user: "ann", password: "s3cret" };
const never = new AbortController().signal;

after(endServer);

test("a store that is not there is not-found without create, and made with it, its whole path too", async (t) => {
  const lab = await storeLab(t);
  const url = `${lab.url}/deep/er`;
  await assert.rejects(openStore(url, { create: false }), {
    code: "not-found",
    message: `there is no store at ${url}`,
  });
  await assert.rejects(openStore(url, { create: false }), { code: "not-found" });
  await using store = closing(await openStore(url, { create: true }));
  assert.equal(store.url, url);
  await (await openStore(url, { create: false })).close();
});

test("a path that holds something else is refused", async (t) => {
  const lab = await storeLab(t);
  const client = lab.bare();
  await lab.open();
  await client.create("/kafka", Buffer.alloc(0), { mode: "persistent", acl: openAcl });
  await client.create("/kafka/brokers", Buffer.alloc(0), { mode: "persistent", acl: openAcl });
  for (const create of [true, false]) {
    const opening = openStore(`${lab.url}/kafka`, { create });
    await assert.rejects(
      opening,
      create ? { code: "invalid", message: /is not an orchestra store.*brokers/ } : { code: "not-found" },
    );
  }
});

test("only the credentials that it was created with open it, and no error or URL repeats them", async (t) => {
  const lab = await storeLab(t);
  await using store = closing(await openStore(lab.url, { create: true, access: () => ann }));
  await store.commit({ changes: [put(web, deployment(), "absent")] });
  await store.join(presenceKey("n1"), { key: "k", pid: 1, since: act.at });
  await (await store.elect("master", never)).resign();
  for (const access of [{}, { user: "ann", password: "wr0ng" }]) {
    await assert.rejects(openStore(lab.url, { create: true, access: () => access }), (error: Error) => {
      assert.match(error.message, /does not let these credentials in/);
      assert.doesNotMatch(JSON.stringify([error.message, messageOf(error.cause)]), /s3cret|wr0ng/);
      return true;
    });
  }
  const bare = lab.bare();
  const paths = [
    "/",
    "/commits",
    "/removals",
    "/deployments",
    "/deployments/web",
    "/presence/n1",
    "/elections/master",
    "/epoch",
  ];
  for (const path of paths) {
    const { acl } = await bare.getAcl(path).catch(() => ({ acl: [] }));
    assert.ok(
      acl.every(({ scheme }) => scheme === "digest"),
      path,
    );
  }
  await using again = closing(await openStore(lab.url, { create: false, access: () => ann }));
  assert.deepEqual((await again.read(web))?.value, deployment());
});

test("settings that do not go together are refused, and a store that others reach without credentials too", async (t) => {
  const passwordFile = join(await tempFolder(t), "password");
  await writeFile(passwordFile, "\n");
  const cases: [string, StoreAccess, RegExp][] = [
    ["zk://127.0.0.1/a", { user: "ann" }, /a user for the store is set, and no password/],
    ["zk://127.0.0.1/a", { password: "x" }, /a password for the store is set, and no user/],
    ["zk://127.0.0.1/a", { user: "ann", passwordFile }, /the password for the store is empty/],
    ["zk://127.0.0.1/a", { user: "ann", passwordFile: "/none" }, /ORCHESTRA_STORE_PASSWORD_FILE: ENOENT/],
    ["zk://127.0.0.1/a", { user: "ann", password: "x", passwordFile }, /both set/],
    ["zks://127.0.0.1/a", { certFile: passwordFile }, /go together/],
    ["zks://127.0.0.1/a", { caFile: "/none" }, /ORCHESTRA_STORE_CA_FILE: ENOENT/],
    ["zk://10.1.2.3,127.0.0.1/a", {}, /would be open to everyone who reaches it/],
    ["zk://ann:s3cret@127.0.0.1/a", {}, /must not hold a password/],
  ];
  for (const [url, access, message] of cases) {
    await assert.rejects(openStore(url, { create: true, access: () => access }), { code: "invalid", message }, url);
  }
});

test("servers that are not there, or no ZooKeeper, are named with the reason", async (t) => {
  const http = createServer((_request, response) => response.end("hello")).listen(0, "127.0.0.1");
  await once(http, "listening");
  t.after(() => http.close());
  const { port } = http.address() as AddressInfo;
  const opening = openStore(`zk://127.0.0.1:${port},127.0.0.1:1/a`, { create: true });
  await assert.rejects(opening, (error: Error) => {
    assert.match(
      error.message,
      new RegExp(
        `127\\.0\\.0\\.1:${port}: .*127\\.0\\.0\\.1:1: nothing listens there|127\\.0\\.0\\.1:1: nothing listens there.*127\\.0\\.0\\.1:${port}`,
      ),
    );
    return true;
  });
});

test("who can wait gets a store that is away, and everything works once it is there", async (t) => {
  const lab = await storeLab(t);
  const { link } = await lab.open();
  await link.down();
  await using store = closing(
    await openStore(`zk://${link.host}:${link.port}${lab.chroot}`, { create: true, patient: true }),
  );
  await assert.rejects(store.read(web), { code: "unavailable" });
  await assert.rejects(store.join(presenceKey("n1"), { key: "k", pid: 1, since: act.at }), { code: "unavailable" });
  await link.up();
  await eventually("it answers", () =>
    store.read(web).then(
      () => true,
      () => false,
    ),
  );
  await store.commit({ changes: [put(web, deployment(), "absent")] });
});

test("a newer layout is refused, also when it appears while the store is open", async (t) => {
  const lab = await storeLab(t);
  const { store, link } = await lab.open();
  const cluster = await ensureCluster(store, { now: act.at });
  const { version = -1 } = (await store.read(clusterKey)) ?? {};
  await store.commit({ changes: [put(clusterKey, { ...cluster, layout: 99 }, version)] });
  await assert.rejects(openStore(lab.url, { create: true }), { code: "invalid", message: /has layout 99/ });
  link.reset();
  await eventually("the open one refuses", () =>
    store.read(web).then(
      () => false,
      (error) => error.code === "invalid",
    ),
  );
});

test("a damaged document is left out and named, and the rest goes on", async (t) => {
  const lab = await storeLab(t);
  const { store } = await lab.open();
  const bare = lab.bare();
  await store.commit({
    changes: [put(web, deployment(), "absent"), put(deploymentKey("api"), deployment(), "absent")],
  });
  const view = await store.view(["deployments"]);
  await bare.setData("/deployments/web", Buffer.from("{ this is"), -1);
  await eventually("left out", () => view.snapshot().list("deployments").length === 1);
  assert.equal(view.snapshot().fresh, true);
  await assert.rejects(store.read(web), { code: "invalid", message: /deployments\/web.* is damaged/ });
  await assert.rejects(store.commit({ changes: [put(web, deployment(), "absent")] }), { code: "conflict" });
  const { version = -1 } = (await store.read(deploymentKey("api"))) ?? {};
  await store.commit({ changes: [put(deploymentKey("api"), deployment({ replicas: 4 }), version)] });
  await bare.setData("/deployments/web", Buffer.from(JSON.stringify(deployment({ replicas: 5 }))), -1);
  await eventually("back", () => view.snapshot().get(web)?.value.replicas.file === 5);
});

test("over TLS with certificates, and doctor's findings", async (t) => {
  const zookeeper = await startZooKeeper({ tls: "need" });
  t.after(() => zookeeper.close());
  const [server] = zookeeper.servers;
  const folder = await tempFolder(t);
  const files = { caFile: join(folder, "ca"), certFile: join(folder, "cert"), keyFile: join(folder, "key") };
  await writeFile(files.caFile, zookeeper.certificates?.ca ?? "");
  await writeFile(files.certFile, zookeeper.certificates?.client.cert ?? "");
  await writeFile(files.keyFile, zookeeper.certificates?.client.key ?? "");
  const url = `zks://${server?.host}:${server?.securePort}/tls`;
  await assert.rejects(openStore(url, { create: true, access: () => ({}) }), { code: "unavailable" });
  await using store = closing(await openStore(url, { create: true, access: () => ({ ...files, ...ann }) }));
  await store.commit({ changes: [put(web, deployment(), "absent")] });
  const findings = await examineServers(parseZooKeeperUrl(url), { ...files, ...ann });
  assert.equal(findings.servers[0]?.problem, undefined);
  assert.equal(findings.servers[0]?.mode, "standalone");
  assert.ok(findings.acl?.every(({ scheme }) => scheme !== "world"));
});

function closing(store: Store): Store & AsyncDisposable {
  return Object.assign(store, { [Symbol.asyncDispose]: () => store.close() });
}
