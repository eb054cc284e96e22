// Clients of a test: each with what it was told, all closed when the test ends.
import type { TestContext } from "node:test";
import {
  connectZooKeeper,
  type Server,
  type SessionEvent,
  type SessionState,
  type ZooKeeper,
  type ZooKeeperOptions,
} from "../../src/zookeeper/zookeeper.ts";

export interface TestClient {
  readonly client: ZooKeeper;
  readonly events: SessionEvent[];
  readonly states: SessionState[];
}

/** Resolves when it is connected. The session lasts 4 s unless said otherwise. */
export async function testClient(
  t: Pick<TestContext, "after">,
  servers: readonly Server[],
  options: Partial<ZooKeeperOptions> = {},
): Promise<TestClient> {
  const started = startClient(t, servers, options);
  await started.client.ready;
  return started;
}

/** Does not wait. */
export function startClient(
  t: Pick<TestContext, "after">,
  servers: readonly Server[],
  options: Partial<ZooKeeperOptions> = {},
): TestClient {
  const events: SessionEvent[] = [];
  const states: SessionState[] = [];
  const addresses = servers.map(({ host, port }) => ({ host, port }));
  const client = connectZooKeeper({
    servers: addresses,
    sessionTimeoutMs: 4_000,
    connectLimitMs: 20_000,
    onEvent: (event) => events.push(event),
    ...options,
  });
  client.onState((state) => states.push(state));
  t.after(() => client.close());
  return { client, events, states };
}
