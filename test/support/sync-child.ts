// A sync of a folder in a process of its own, for tests that kill it: for it time passes quickly, so that the seconds for which a folder must stay
// as it is before anything is pruned are met, too. Arguments: the store's URL, the folder, the state folder. Writes how it is after each pass.
import { join } from "node:path";
import { defaultLimits } from "../../src/apply/guards.ts";
import { type Clock, systemClock } from "../../src/clock.ts";
import { openLog } from "../../src/log.ts";
import { openStore } from "../../src/store/open-store.ts";
import { openDirectory } from "../../src/sync/directory.ts";
import { Reach } from "../../src/sync/directory-reach.ts";
import { readinessOf } from "../../src/sync/health.ts";
import { startSync } from "../../src/sync/sync.ts";

/** So many times faster than on the wall: five seconds are a fifth of one. */
const haste = 25;
const clock: Clock = {
  now: () => systemClock.now() * haste,
  wall: systemClock.wall,
  after: (ms, run) => systemClock.after(ms / haste, run),
};

const [url = "", path = "", stateDir = ""] = process.argv.slice(2);
const [host, log, many] = ["lab", openLog("error"), { count: 1_000 }];
const mountsFile = join(stateDir, "mounts.json");
const reach = new Reach({ path, clock: systemClock });
const sync = startSync({
  store: await openStore(url, { create: false }),
  follows: { kind: "directory", node: host, path },
  machine: { id: host, isShared: true },
  open: (wake) => openDirectory({ path, wake, clock, log, reach, mountsFile }),
  host,
  address: "127.0.0.1",
  pid: process.pid,
  stateDir,
  partial: false,
  heals: true,
  adopt: false,
  limits: { ...defaultLimits, replacements: many, affected: many },
  allowForcePush: false,
  clock,
  log,
  passed: () => process.stdout.write(`${readinessOf(sync.reading()).text}\n`),
});
// The loops hold no timer that keeps a process alive: `sync` waits for its signal, this waits for its end.
setInterval(() => {}, 60_000);
