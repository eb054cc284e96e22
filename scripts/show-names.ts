// Shows what CoreDNS answers for the names on the command line, asked where people on this host can ask.
import { Resolver } from "node:dns/promises";
import { setTimeout as delay } from "node:timers/promises";
import { readConfig } from "../src/config.ts";
import { dnsStatus } from "../src/dns/coredns-status.ts";
import { clusterDomain } from "../src/model/cluster.ts";
import { messageOf } from "../src/model/errors.ts";
import { clusterFolder, upRecordsOf } from "../src/state-folder.ts";

/** A pod that has just become ready is in the zone at once, and in CoreDNS at its next look at the file. */
const patienceMs = 2_000;

const { stateDir, storeUrl } = readConfig();
const [up] = upRecordsOf(stateDir, storeUrl);
const status = up && (await dnsStatus(clusterFolder(stateDir, up.cluster)));
if (!status?.running) {
  console.error("CoreDNS does not run: orchestra doctor tells more");
  process.exit(1);
}
const resolver = new Resolver({ timeout: 1_000, tries: 2 });
resolver.setServers([`127.0.0.1:${status.localPort}`]);
for (const short of process.argv.slice(2)) {
  const name = `${short}.${clusterDomain}`;
  console.log(`${name} → ${await answer(name)} (asked 127.0.0.1:${status.localPort})`);
}

async function answer(name: string): Promise<string> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return (await resolver.resolve4(name)).sort().join(" ");
    } catch (error) {
      if (performance.now() > deadline) return messageOf(error);
      await delay(100);
    }
  }
}
