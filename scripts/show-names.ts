// Shows what CoreDNS answers for the names on the command line, asked where people on this host can ask.
import { Resolver } from "node:dns/promises";
import { setTimeout as delay } from "node:timers/promises";
import { observe } from "../src/cli/show/observe.ts";
import { readConfig } from "../src/config.ts";
import { dnsStatus } from "../src/dns/coredns-status.ts";
import { recordsOf } from "../src/dns/records.ts";
import { clusterDomain } from "../src/model/cluster.ts";
import { messageOf } from "../src/model/errors.ts";
import { clusterFolder, upRecordsOf } from "../src/state-folder.ts";
import { openStore } from "../src/store/open-store.ts";

/** A pod that has just become ready is in the zone at once, and in CoreDNS at its next look at the file: later on a busy machine. */
const patienceMs = 10_000;

const { stateDir, storeUrl } = readConfig();
const [up] = upRecordsOf(stateDir, storeUrl);
const status = up && (await dnsStatus(clusterFolder(stateDir, up.cluster)));
if (!status?.running) {
  console.error("CoreDNS does not run: orchestra doctor tells more");
  process.exit(1);
}
const resolver = new Resolver({ timeout: 1_000, tries: 2 });
resolver.setServers([`127.0.0.1:${status.localPort}`]);
const store = await openStore(storeUrl, { create: false });
try {
  const records = recordsOf((await observe(store)).state);
  for (const short of process.argv.slice(2)) {
    const name = `${short}.${clusterDomain}`;
    const wanted = records.flatMap((record) => (record.type === "A" && record.name === short ? [record.address] : []));
    console.log(`${name} → ${await answer(name, wanted.sort().join(" "))} (asked 127.0.0.1:${status.localPort})`);
  }
} finally {
  await store.close();
}

/** What is answered, as soon as it is what the store says; when patience ends, whatever is answered then. */
async function answer(name: string, wanted: string): Promise<string> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const text = await resolver.resolve4(name).then((addresses) => addresses.sort().join(" "), messageOf);
    if (text === wanted || wanted === "" || performance.now() > deadline) return text;
    await delay(100);
  }
}
