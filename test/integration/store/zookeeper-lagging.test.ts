// A store that is made through a server that lags behind: what another connection has made is not there yet for ours.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { openRoot } from "../../../src/store/zookeeper-root.ts";
import { ZooKeeperError } from "../../../src/zookeeper/errors.ts";
import { openAcl } from "../../../src/zookeeper/records.ts";
import { connectZooKeeper, type ZooKeeper } from "../../../src/zookeeper/zookeeper.ts";
import { endServer, storeLab } from "../../support/zookeeper-store.ts";

after(endServer);

test("a path that another connection made a moment ago is waited for", async (t) => {
  const lab = await storeLab(t);
  const servers = lab.zookeeper.servers;
  const bare = lab.bare();
  const lagging = lagsBehind(bare);
  const root = openRoot({
    url: lab.url,
    chroot: lab.chroot,
    acl: openAcl,
    create: true,
    check: () => undefined,
    connectOutside: () => connectZooKeeper({ servers }),
  });
  assert.equal(await root.verify(lagging), 1);
  assert.deepEqual((await bare.getChildren("/")).children.sort(), ["commits", "identity", "removals"]);
});

/** No real server can be made to lag at will: reads show nothing until it catches up with the others, by `sync` or by a write of its own. */
function lagsBehind(client: ZooKeeper): ZooKeeper {
  let isBehind = true;
  const overrides: Partial<ZooKeeper> = {
    exists: async (path) => (isBehind ? undefined : client.exists(path)),
    getChildren: async (path) => {
      if (isBehind) throw new ZooKeeperError("no-node", `${path}: no such node`);
      return client.getChildren(path);
    },
    sync: async (path) => {
      const synced = await client.sync(path);
      isBehind &&= !(await client.exists("/"));
      return synced;
    },
    multi: async (ops) => {
      const done = await client.multi(ops);
      isBehind = false;
      return done;
    },
  };
  return new Proxy(client, {
    get(target, name) {
      const own: unknown = Reflect.get(overrides, name);
      if (own) return own;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
