// A server that answers badly while a new connection is being looked at: the connection stays, and so must the wish to use it.
import assert from "node:assert/strict";
import { after, test } from "node:test";
import { clusterKey, deploymentKey } from "../../../src/model/keys.ts";
import { ensureCluster } from "../../../src/store/cluster.ts";
import { put } from "../../../src/store/store.ts";
import { act, deployment } from "../../support/builders.ts";
import { eventually } from "../../support/eventually.ts";
import { endServer, storeLab } from "../../support/zookeeper-store.ts";

const never = new AbortController().signal;

after(endServer);

for (const { what, code } of [
  { what: "is overloaded", code: -127 },
  { what: "gives up waiting", code: -7 },
  { what: "has lost its leader", code: -4 },
  { what: "finds its own state inconsistent", code: -2 },
]) {
  test(`a server that ${what} is asked again on the same connection, and everything goes on`, async (t) => {
    const lab = await storeLab(t);
    const { store, link } = await lab.open();
    const view = await store.view(["deployments"]);
    const leadership = await store.elect("master", never);
    const connections = link.sessions.length;
    link.refuse(code, 7);
    link.reset();
    await eventually("it is used again", () =>
      store.commit({ changes: [put(deploymentKey("web"), deployment(), "absent")] }).then(
        () => true,
        (error: { code: string }) => {
          assert.equal(error.code, "unavailable");
          return false;
        },
      ),
    );
    await eventually("the view too", () => view.snapshot().fresh && view.snapshot().get(deploymentKey("web")));
    assert.equal(link.sessions.length, connections + 1);
    // Nobody else could lead meanwhile, unless the state of the server itself is in doubt.
    assert.equal(leadership.signal.aborted, code === -2);
    view.close();
  });
}

test("a store that is lost and put back under a connection that stays is used again", async (t) => {
  const lab = await storeLab(t);
  const { store, link } = await lab.open();
  const { id } = await ensureCluster(store, { now: act.at });
  const view = await store.view([clusterKey]);
  const connections = link.sessions.length;
  const bare = lab.bare();
  const { data, stat } = await bare.getData("/cluster");
  const theirs = Buffer.from(Buffer.from(data).toString().replace(id, "theirs"));
  const { stat: written } = await bare.setData("/cluster", theirs, stat.version);
  await eventually("it is not followed", () => !view.snapshot().fresh);
  await assert.rejects(store.read(clusterKey), {
    code: "unavailable",
    message: /another cluster now \(theirs instead of/,
  });
  await bare.setData("/cluster", data, written.version);
  await eventually("it is followed again", () => view.snapshot().fresh);
  assert.equal(view.snapshot().get(clusterKey)?.value.id, id);
  assert.equal(link.sessions.length, connections);
  view.close();
});
