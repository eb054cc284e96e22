// Our side on the hosts of a lab: `orchestra up` on each, and what this process sees of it in the store.
import { randomBytes } from "node:crypto";
import { commitPlan, knownState, planSelectors } from "../src/apply/commit.ts";
import { type KnownState, type Plan, planApply, planDelete } from "../src/apply/plan.ts";
import { observation, observedSelectors } from "../src/cli/show/observe.ts";
import { podRows } from "../src/cli/show/rows.ts";
import { specFromFlags } from "../src/manifest/manifest.ts";
import { epochKey, nameOf, podsKey, verdictsKey } from "../src/model/keys.ts";
import type { Store } from "../src/store/store.ts";
import type { Lab, LabHost } from "../test/support/lab.ts";
import { replicas, running, type Side, until } from "./bench-hosts.ts";
import { program } from "./bench-orchestra.ts";

const image = "orchestra-demo:1";
const author = { by: "bench", at: "2026-01-01T00:00:00.000Z", source: "cli" };

export interface OurHosts extends Side {
  /** Milliseconds from the signal to the leading `up` until its successor has written what it decided of something new. */
  succession(signal: "SIGTERM" | "SIGKILL", name: string): Promise<number>;
}

/** Starts `orchestra up` on every host. The lab ends it. */
export async function startOurHosts({ hosts, store: opened, write }: Lab): Promise<OurHosts> {
  const ups = new Map(await Promise.all(hosts.map(async (host) => [host, await host.start("up")] as const)));
  const store = await opened();
  const seen = await whatIsSeen(store, hosts);
  const { epoch, readyOn, settled } = seen;
  const create = (name: string, count: number) => createIn(store, name, count);
  const leading = async () => {
    const leads = new RegExp(`^.*"epoch":${epoch()}[,}].*"master leads"`, "m");
    const host = hosts.find((one) => leads.test(ups.get(one)?.log() ?? ""));
    if (!host) throw new Error(`nobody says that it leads in epoch ${epoch()}`);
    return host;
  };
  const clear = async () => {
    await removeAll(store);
    await seen.emptied();
  };
  await settled();

  return {
    label: (name) => `orchestra.deployment=${name}`,
    leading,
    settled,
    clear,
    async place(name) {
      await create(name, replicas);
      const each = replicas / hosts.length;
      await until(`${name} runs on all hosts`, () => hosts.every((host) => readyOn(name, host) === each));
    },
    ready: async (name, on) => on.reduce((sum, host) => sum + readyOn(name, host), 0),
    async following() {
      const leader = await leading();
      return hosts.findLast((host) => host !== leader) ?? leader;
    },
    async apply(name, host) {
      const file = write(`${name}.yaml`, `{ name: ${name}, image: '${image}', replicas: 2 }\n`);
      return (await host.run(process.execPath, program, "apply", "-f", file, "--no-wait")).code === 0;
    },
    async succession(signal, name) {
      const leader = await leading();
      const before = epoch();
      const begun = performance.now();
      const ended = ups.get(leader)?.end(signal);
      await until("another leads", () => epoch() > before);
      await create(name, 1);
      await until("it has written something", () => seen.hasPods(name));
      const took = performance.now() - begun;
      await ended;
      ups.set(leader, await leader.start("up"));
      await settled();
      await clear();
      return took;
    },
  };
}

/** What a view of the store shows of the hosts. */
async function whatIsSeen(store: Store, hosts: readonly LabHost[]) {
  const view = await store.view([...observedSelectors, epochKey]);
  const pods = (name: string) =>
    podRows(observation(view.snapshot(), Date.now())).filter(({ deployment }) => deployment === name);
  return {
    epoch: () => view.snapshot().get(epochKey)?.value.epoch ?? 0,
    hasPods: (name: string) => view.snapshot().get(podsKey(name)) !== undefined,
    readyOn: (name: string, host: LabHost) =>
      pods(name).filter(({ node, ready, live }) => ready && live && node === host.name).length,
    settled: () =>
      until("all hosts are present", () => {
        const verdicts = view.snapshot().get(verdictsKey)?.value;
        return verdicts?.hold === undefined && hosts.every(({ name }) => verdicts?.nodes[name]?.state === "present");
      }),
    emptied: () =>
      until("nothing is left", async () => {
        if (view.snapshot().list("pods").length > 0) return false;
        const left = await Promise.all(hosts.map((host) => running(host, "orchestra.deployment")));
        return left.every((count) => count === 0);
      }),
  };
}

async function commit(store: Store, plan: (state: KnownState) => Plan): Promise<void> {
  await commitPlan(store, plan(knownState(await store.list(planSelectors))), plan);
}

function createIn(store: Store, name: string, count: number): Promise<void> {
  const spec = specFromFlags({ name, image, replicas: count });
  return commit(store, (state) => planApply(state, [spec], { ...author, newUid }));
}

async function removeAll(store: Store): Promise<void> {
  const names = (await store.list(["deployments"])).list("deployments").map(({ key }) => nameOf(key));
  await commit(store, (state) => planDelete(state, names, false, { ...author, newUid }));
}

const newUid = () => randomBytes(8).toString("hex");
