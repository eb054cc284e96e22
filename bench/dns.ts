// From "a pod is ready" to "CoreDNS answers with it", for one pod among 50. Baseline of the same run and the same CoreDNS:
// from the zone file's rename to the answer, which is CoreDNS's own reload interval.
import { setTimeout as pause } from "node:timers/promises";
import { corednsFiles } from "../src/dns/coredns-process.ts";
import { zoneBody } from "../src/dns/zone.ts";
import { writeZoneFile } from "../src/dns/zone-file.ts";
import { statusesKey } from "../src/model/keys.ts";
import { put } from "../src/store/store.ts";
import { builtAt, documentsOf, fill, pod, status } from "../test/support/builders.ts";
import { type DnsFixture, dnsFixture } from "../test/support/dns.ts";
import { ending } from "./bench-ending.ts";
import { quantile, report, rounds, timed } from "./bench-measure.ts";

const podCount = 50;
const reloadMs = 250;
const endings: (() => Promise<void>)[] = [];

try {
  const dns = await dnsFixture({ after: (clean) => void endings.push(ending(clean)) });
  const network = { name: "bench", range: "", gateway: dns.gateway };
  await fill(dns.store, documentsOf({ deployments: { web: { pods: podCount } }, nodes: { "node-1": { network } } }));
  const started = await dns.start();
  await answered(dns, "10.42.0.10");
  const count = rounds(100);
  const ours = await sample(dns, count, (address) => becomeReady(dns, address));
  await started.close();
  const baseline = await sample(dns, count, (address) => renameZone(dns, address));
  for (const [name, share] of [
    ["p50", 0.5],
    ["p99", 0.99],
  ] as const) {
    const reference = quantile(baseline, share);
    const value = quantile(ours, share);
    report({
      what: `ready to answered by CoreDNS, ${podCount} pods, ${name}`,
      unit: "ms",
      ours: value,
      baselines: { "zone file renamed to answered": reference },
      bound: reference + 100,
      samples: ours,
    });
  }
} finally {
  for (const end of endings) await end();
}

/** Each change comes at a moment of its own within CoreDNS's interval; the clock starts when `change` has resolved. */
async function sample(
  dns: DnsFixture,
  count: number,
  change: (address: string) => Promise<unknown>,
): Promise<number[]> {
  const values: number[] = [];
  for (let round = 0; round < count; round += 1) {
    await pause(Math.random() * reloadMs);
    const address = `10.42.${1 + (round % 250)}.${1 + Math.floor(Math.random() * 250)}`;
    await change(address);
    values.push(await timed(() => answered(dns, address)));
  }
  return values;
}

/** What the worker writes when a pod becomes ready. */
async function becomeReady({ store }: DnsFixture, address: string): Promise<void> {
  const key = statusesKey("node-1");
  const known = await store.read(key);
  const first = status(pod("web"), { ip: address });
  const others = (known?.value.statuses ?? []).filter((one) => one.pod !== first.pod);
  await store.commit({
    changes: [put(key, { at: builtAt, statuses: [first, ...others] }, known?.version ?? "absent")],
  });
}

/** The same change without orchestra: the file alone. */
async function renameZone({ stateDir }: DnsFixture, address: string): Promise<void> {
  const others = Array.from({ length: podCount }, (_, slot) => ({
    name: `web-${slot}.web`,
    address: `10.43.0.${slot + 1}`,
  }));
  const records = [...others.slice(1), { name: "web-0.web", address }].map((record) => ({
    type: "A" as const,
    ...record,
  }));
  await writeZoneFile(corednsFiles(stateDir).zone, zoneBody(records), Date.now() / 1000);
}

async function answered(dns: DnsFixture, address: string): Promise<void> {
  while ((await dns.ask("web-0.web")).answers[0] !== `web-0.web.cluster.local A ${address}`) await pause(1);
}
