// What tests of names put into the store, and the answers that they wait for.
import { dnsStatus } from "../../src/dns/coredns-status.ts";
import { statusesKey } from "../../src/model/keys.ts";
import { put, type Store } from "../../src/store/store.ts";
import { builtAt, documentsOf, fill, pod, status } from "./builders.ts";
import type { DnsFixture } from "./dns.ts";
import { eventually } from "./eventually.ts";

const ports = [{ name: "http", containerPort: 8080 }];

/** A Deployment `web` with so many pods, all ready. */
export async function fillWith(fixture: DnsFixture, podCount: number): Promise<void> {
  const network = { name: "n", range: "127.0.0.0/24", gateway: fixture.gateway };
  await fill(
    fixture.store,
    documentsOf({ deployments: { web: { template: { ports }, pods: podCount } }, nodes: { "node-1": { network } } }),
  );
}

/** The worker now sees these addresses in slots 0, 1, … */
export async function say(store: Store, addresses: readonly string[]): Promise<void> {
  const key = statusesKey("node-1");
  const version = (await store.read(key))?.version ?? "absent";
  const statuses = addresses.map((ip, slot) => status(pod("web", { slot }), { ip }));
  await store.commit({ changes: [put(key, { at: builtAt, statuses }, version)] });
}

/** Waits until the name has these addresses and no other. */
export const answersWith = (fixture: DnsFixture, name: string, addresses: readonly string[]) =>
  eventually(`${name} answers ${addresses}`, async () => {
    const { answers } = await fixture.ask(name);
    return JSON.stringify(answers) === JSON.stringify(addresses.map((address) => `${name}.cluster.local A ${address}`));
  });

/** Of the CoreDNS that is noted. */
export const pidOf = async ({ stateDir }: DnsFixture) => (await dnsStatus(stateDir))?.pid;
