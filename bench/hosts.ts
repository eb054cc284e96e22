// Three hosts and what becomes of a cluster on them when one is lost, beside Swarm on the same engines and cables; and what it costs while nothing
// happens. Needs root. `node bench/hosts.ts idle leader cut leading` measures only some of it.
import { setTimeout as sleep } from "node:timers/promises";
import { type Lab, openLab, whyNoLab } from "../test/support/lab.ts";
import { type CutOff, cutOff, cutOffLeader, type Losable, limitMs, type Side, type Unled } from "./bench-hosts.ts";
import { idleFor } from "./bench-hosts-idle.ts";
import { type OurHosts, startOurHosts } from "./bench-hosts-orchestra.ts";
import { type SwarmHosts, startSwarmHosts } from "./bench-hosts-swarm.ts";
import { median, report, rounds } from "./bench-measure.ts";

const count = rounds(3);
const sessionMs = 4_000;
/** So long after something was written everybody has looked once more whether anything was missed, and in as long again everybody looks again. */
const idleMs = 60_000;
const idlePods = 100;

const parts: Readonly<Record<string, (lab: Lab, ours: OurHosts, swarm: () => Promise<SwarmHosts>) => Promise<void>>> = {
  idle,
  leader,
  cut,
  leading,
};

const why = whyNoLab();
if (why !== undefined) throw new Error(why);
const asked = process.argv.slice(2);
const lab = await openLab({ hosts: 3 });
try {
  const ours = await startOurHosts(lab);
  let swarm: SwarmHosts | undefined;
  const peer = async () => {
    swarm ??= await startSwarmHosts(lab);
    return swarm;
  };
  for (const [name, part] of Object.entries(parts)) {
    if (asked.length === 0 || asked.includes(name)) await part(lab, ours, peer);
  }
  await swarm?.leave();
} finally {
  await lab.close();
}

async function idle(lab: Lab, ours: OurHosts): Promise<void> {
  const file = lab.write(
    "idle.yaml",
    `apiVersion: orchestra/v1
kind: Deployment
metadata: { name: idle }
spec:
  replicas: ${idlePods}
  image: orchestra-demo:1
  ports: [{ name: http, containerPort: 8080 }]
  readiness: { http: { path: /readyz, port: http }, periodSeconds: 10 }
  stop: { drainSeconds: 0 }
`,
  );
  const applied = await lab.hosts[0]?.orchestra("apply", "-f", file);
  if (applied?.code !== 0) throw new Error(applied?.stderr);
  await sleep(idleMs);
  const { writes, requests } = await idleFor(lab, idleMs);
  await ours.clear();
  const what = `3 idle hosts with ${idlePods} probed pods`;
  report({ what: `${what}, ZooKeeper`, unit: "writes", ours: writes, bound: 0, samples: [writes] });
  const most = Math.max(...requests);
  const busiest = `${what}, requests of the busiest process besides pings`;
  report({ what: busiest, unit: "per second", ours: most, bound: 2, samples: requests });
}

async function leader(_lab: Lab, ours: OurHosts): Promise<void> {
  const ends = [
    { signal: "SIGKILL", what: "leader killed", bound: sessionMs + 1_000 },
    { signal: "SIGTERM", what: "leader stopped", bound: 1_000 },
  ] as const;
  for (const { signal, what, bound } of ends) {
    const samples: number[] = [];
    for (let round = 0; round < count; round += 1) samples.push(await ours.succession(signal, `next-${round}`));
    const baselines = { "session timeout": sessionMs };
    const name = `${what} to the first write of the next`;
    report({ what: name, unit: "ms", ours: median(samples), baselines, bound, samples });
  }
}

async function cut(lab: Lab, ours: OurHosts, peer: () => Promise<SwarmHosts>): Promise<void> {
  const swarm = await peer();
  const results = await inTurns([ours, swarm], {
    ours: (round) => cutOff(ours, lab.hosts, `cut-${round}`),
    swarm: (round) => cutOff(swarm, lab.hosts, `cut-${round}`),
  });
  const moved = ({ movedMs }: CutOff) => movedMs;
  const rejoined = ({ rejoinedMs }: CutOff) => rejoinedMs;
  compare("host lost to all its pods ready elsewhere", results.ours.map(moved), results.swarm.map(moved), 0.7);
  const healed = "cut-off host healed to no superfluous pod left";
  compare(healed, results.ours.map(rejoined), results.swarm.map(rejoined), 1);
}

/** Swarm loses the leader of its store with the host. Ours has servers of its own, so it is shown with and without the loss of their leader. */
async function leading(lab: Lab, ours: OurHosts, peer: () => Promise<SwarmHosts>): Promise<void> {
  const swarm = await peer();
  await swarm.promoteAll();
  const { alone, both, theirs } = await inTurns([ours, swarm], {
    alone: (round) => cutOffLeader(ours, lab.hosts, `alone-${round}`),
    both: async (round) => cutOffLeader(ours, lab.hosts, `both-${round}`, await leadingServer(lab)),
    theirs: (round) => cutOffLeader(swarm, lab.hosts, `theirs-${round}`),
  });
  const accepted = ({ acceptedMs }: Unled) => acceptedMs;
  const ready = ({ readyMs }: Unled) => readyMs;
  for (const [lost, results] of [
    ["leading host", alone],
    ["leading host and ZooKeeper's leader", both],
  ] as const) {
    compare(`${lost} lost to the next accepted apply`, results.map(accepted), theirs.map(accepted), 0.5);
    compare(`${lost} lost to the first pod of the next apply`, results.map(ready), theirs.map(ready));
  }
}

/** As a host that is lost with another. */
async function leadingServer({ zookeeper }: Lab): Promise<Losable> {
  if (!zookeeper) throw new Error("there is no ZooKeeper in this lab");
  const cable = zookeeper.cables[zookeeper.servers.indexOf(await zookeeper.leader())];
  return {
    cut: async () => cable?.cut(),
    async heal() {
      await cable?.heal();
      await zookeeper.whole(limitMs);
    },
  };
}

/** Each once in every round, so that what disturbs this machine disturbs all of them; and none before what was done to another is over for all. */
async function inTurns<N extends string, T>(
  clusters: readonly Side[],
  cases: Readonly<Record<N, (round: number) => Promise<T>>>,
): Promise<Record<N, T[]>> {
  const names = Object.keys(cases) as N[];
  const results = Object.fromEntries(names.map((name) => [name, [] as T[]])) as Record<N, T[]>;
  for (let round = 0; round < count; round += 1) {
    for (const name of names) {
      await Promise.all(clusters.map((cluster) => cluster.settled()));
      results[name].push(await cases[name](round));
    }
  }
  return results;
}

function compare(what: string, samples: readonly number[], theirs: readonly number[], atMost?: number): void {
  const baselines = { swarm: median(theirs) };
  const target = atMost === undefined ? {} : { target: { baseline: "swarm", atMost } };
  report({ what, unit: "ms", ours: median(samples), baselines, ...target, samples });
}
