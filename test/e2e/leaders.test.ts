// Leaders that are stopped, thawed and killed while changes come in: whatever happens, the history of the store, of the containers and of the
// names keeps its laws, no acknowledged change is lost, none is done twice, and in the end all of it is true.
import assert from "node:assert/strict";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { isOrchestraError } from "../../src/model/errors.ts";
import { eventually } from "../support/eventually.ts";
import { brokenLaws, changesIn } from "../support/history-laws.ts";
import {
  applyWish,
  type MasterProcess,
  type MemoryCluster,
  type MemoryHost,
  memoryCluster,
  type Wish,
} from "../support/memory-cluster.ts";
import { randomOf, roundsOf, seed } from "../support/rounds.ts";
import { readHistory } from "../support/zookeeper-history.ts";
import { type RunningZooKeeper, startZooKeeper } from "../support/zookeeper-server.ts";

const rounds = roundsOf({ test: 10, soak: 200 });
/** A session lasts so long here: a leader that is gone is succeeded after it. */
const sessionMs = 2_000;
const limitMs = 60_000;
const names = ["a", "b", "c", "d"];

interface Change {
  readonly name: string;
  readonly wish: Wish;
  /** Of this change and no other. */
  readonly by: string;
  end: "acknowledged" | "refused" | "unknown" | undefined;
}

interface Trial {
  readonly zookeeper: RunningZooKeeper;
  readonly cluster: MemoryCluster;
  readonly hosts: readonly MemoryHost[];
  readonly masters: MasterProcess[];
  readonly changes: Change[];
  readonly random: () => number;
}

async function openTrial(t: TestContext): Promise<Trial> {
  const zookeeper = await startZooKeeper({ servers: 3, config: { maxSessionTimeout: sessionMs } });
  t.after(() => zookeeper.close());
  const cluster = await memoryCluster(t, `zk://${zookeeper.connect}/orchestra`);
  const hosts = [];
  for (const name of ["n1", "n2", "n3", "n4"]) hosts.push(await cluster.host(name));
  const masters = await Promise.all(["m1", "m2", "m3"].map((name) => cluster.masterProcess(name)));
  return { zookeeper, cluster, hosts, masters, changes: [], random: randomOf("leaders") };
}

/** Who was elected last, and is not stopped now. */
function leaderOf({ masters }: Trial): MasterProcess {
  return masters.reduce((best, one) => (one.epoch() > best.epoch() ? one : best));
}

/** One change of one Deployment, by a plan of its own; every way in which it may end is noted. */
async function change({ cluster, changes }: Trial, name: string, wish: Wish): Promise<void> {
  const by = `change-${changes.length}`;
  const made: Change = { name, wish, by, end: undefined };
  changes.push(made);
  try {
    await applyWish(cluster.store, name, wish, by);
    made.end = "acknowledged";
  } catch (error) {
    if (!isOrchestraError(error)) throw error;
    made.end = error.details?.["outcome"] === "unknown" ? "unknown" : "refused";
  }
}

/** Changes of all Deployments, one after the other for each, with pauses. */
async function changeAll(trial: Trial, round: number): Promise<void> {
  const { random } = trial;
  const orders = names.map((name) => ({
    name,
    wishes: [1, 2].map((turn) => ({ replicas: 1 + Math.floor(random() * 5), version: `${round}-${turn}` })),
    pauses: [random() * 300, random() * 300],
  }));
  await Promise.all(
    orders.map(async ({ name, wishes, pauses }) => {
      for (const [turn, wish] of wishes.entries()) {
        await pause(pauses[turn]);
        await change(trial, name, wish);
      }
    }),
  );
}

type Fault = (trial: Trial, leader: MasterProcess) => Promise<void>;

const faults: Readonly<Record<string, Fault>> = {
  async "stopped for less than a session"({ random }, leader) {
    leader.signal("SIGSTOP");
    await pause(random() * sessionMs * 0.8);
    leader.signal("SIGCONT");
  },
  async "stopped until another leads"(trial, leader) {
    leader.signal("SIGSTOP");
    await eventually("another leads", () => leaderOf(trial) !== leader, limitMs);
    // It wakes up in the middle of what it was doing, while the other works.
    await pause(trial.random() * 300);
    leader.signal("SIGCONT");
  },
  async killed({ cluster, masters }, leader) {
    await leader.end("SIGKILL");
    masters.splice(masters.indexOf(leader), 1, await cluster.masterProcess(leader.name));
  },
};

test(`the leader is stopped and killed during changes (${rounds} rounds, seed ${seed})`, async (t) => {
  const trial = await openTrial(t);
  const { zookeeper, cluster, hosts, random, changes } = trial;
  await eventually("somebody leads", () => leaderOf(trial).epoch() > 0, limitMs);
  const kinds = Object.keys(faults);
  for (let round = 0; round < rounds; round += 1) {
    const kind = kinds[round % kinds.length] ?? "";
    const changing = changeAll(trial, round);
    await pause(random() * 500);
    await faults[kind]?.(trial, leaderOf(trial));
    await changing;
  }
  const wishes = new Map(names.map((name) => [name, { replicas: 2 + Math.floor(random() * 3), version: "last" }]));
  for (const [name, wish] of wishes) {
    const path = await cluster.manifest(name, wish);
    const { code, stdout, stderr } = await cluster.run(["apply", "-f", path, "--timeout", "60s"]);
    assert.equal(code, 0, `${stdout}${stderr} (seed ${seed})`);
  }
  await cluster.settled(wishes);

  const history = readHistory(join(zookeeper.folder, "1", "data"));
  const ran = hosts.flatMap((host) => host.ran());
  assert.ok(ran.length >= rounds, "nothing was seen to run");
  assert.deepEqual(brokenLaws(history, "/orchestra", ran), [], `seed ${seed}`);
  const written = changesIn(history, "/orchestra");
  const wrong = changes.flatMap(({ name, by, end }) => {
    const times = written.filter((one) => one === `deployments/${name} ${by}`).length;
    const isRight = end === "acknowledged" ? times === 1 : end === "unknown" ? times <= 1 : times === 0;
    return isRight ? [] : [`${by} of ${name} is ${end} and was done ${times} times`];
  });
  assert.deepEqual(wrong, [], `seed ${seed}`);
  // The test has shown something: most changes went through, and leaders changed.
  assert.ok(changes.filter(({ end }) => end === "acknowledged").length >= changes.length / 2, JSON.stringify(changes));
  assert.ok(leaderOf(trial).epoch() >= rounds / 3);
});
