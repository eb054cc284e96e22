// A worker in a process of its own, for tests that kill it. Arguments: the store's URL, the cluster's folder, the engine's URL or "".
import { systemClock } from "../../src/clock.ts";
import { openLog } from "../../src/log.ts";
import { clusterKey } from "../../src/model/keys.ts";
import type { PodTemplate } from "../../src/model/template.ts";
import { openStore } from "../../src/store/open-store.ts";
import { openDocker } from "../../src/worker/docker.ts";
import { openLinuxRoutes } from "../../src/worker/routes-linux.ts";
import { startWorker } from "../../src/worker/worker.ts";

const [url = "", stateDir = "", host = ""] = process.argv.slice(2);
const store = await openStore(url, { create: false });
const cluster = (await store.read(clusterKey))?.value;
if (!cluster) throw new Error("the store has no cluster");
const log = openLog("warn");
const owner = { cluster: cluster.id, node: "node-1" };
const runtime = openDocker({ ...(host ? { host } : {}), configFolder: `${stateDir}/docker`, owner, log });
await startWorker({
  store,
  runtime,
  host: openLinuxRoutes(cluster.id),
  clock: systemClock,
  log,
  facts: { node: "node-1", key: "k1", address: "127.0.0.1", hostname: "host-1", labels: {}, version: "0.1.0" },
  cluster,
  stateDir,
  validateTemplate: (value) => value as PodTemplate,
});
process.stdout.write("started\n");
// The loops hold no timer that keeps a process alive: `up` waits for its signal, this waits for its end.
setInterval(() => {}, 60_000);
