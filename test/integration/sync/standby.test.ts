// Several syncs of one source: who leads, who stands by, and what those that cannot lead say of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "../../../src/log.ts";
import { OrchestraError } from "../../../src/model/errors.ts";
import type { Snapshot, Store } from "../../../src/store/store.ts";
import { elected } from "../../../src/sync/election.ts";
import { readinessOf } from "../../../src/sync/health.ts";
import { answer } from "../../../src/sync/http.ts";
import { Meter } from "../../../src/sync/meter.ts";
import type { Sync } from "../../../src/sync/sync.ts";
import { eventually } from "../../support/eventually.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { manifestText, syncLab, withOthers } from "../../support/sync-lab.ts";

const limitMs = 30_000;
const says = (sync: Sync, what: RegExp, good: boolean) =>
  eventually(
    `it says ${what}`,
    () => {
      const told = readinessOf(sync.reading());
      return told.good === good && what.test(told.text);
    },
    limitMs,
  );

test("the second stands by and says for whom, and takes over when the first ends", async (t) => {
  const lab = await syncLab(t);
  await lab.write("web.yaml", manifestText("web", "a:1"));
  const first = await lab.start();
  await says(first, /^synced$/, true);
  const second = await lab.start();
  await says(second, /^stands by: lab, pid \d+, follows this source since 2/, true);
  assert.equal(second.reading().part, "stands-by");
  await first.close();
  await says(second, /^synced$/, true);
  assert.equal(second.reading().part, "leads");
});

test("who cannot be elected is not ready, and says why", async (t) => {
  const lab = await syncLab(t);
  const mute = (store: Store) =>
    withOthers(store, { elect: () => Promise.reject(new OrchestraError("unavailable", "no permission to elect")) });
  const sync = await lab.start({ through: mute });
  await says(sync, /^cannot lead: no permission to elect$/, false);
});

test("an address that another process has is refused, unless any port will do", async (t) => {
  const how = { reading: () => undefined, now: () => 0, log: silentLog };
  const first = await answer({ ...how, address: { host: "127.0.0.1", port: 0 }, anyPort: false });
  t.after(() => first.close());
  assert.equal((await fetch(`${first.url}/healthz`)).status, 200);
  assert.equal((await fetch(`${first.url}/readyz`)).status, 503);
  assert.equal((await fetch(`${first.url}/metrics`)).status, 503);
  const address = { host: "127.0.0.1", port: Number(new URL(first.url).port) };
  await assert.rejects(answer({ ...how, address, anyPort: false }), {
    code: "unavailable",
    message: /cannot be told on 127\.0\.0\.1:\d+: another process listens there$/,
  });
  const second = await answer({ ...how, address, anyPort: true });
  await second.close();
});

test("a leader of an earlier boot has its session's time from when the store is back: before that no session ends", async (t) => {
  const lab = await syncLab(t);
  const boot = (name: string) => ({ id: "lab", boot: name, isShared: true });
  await lab.start({ elsewhere: { folder: lab.folder, machine: boot("b1") } });
  await lab.told("it leads", ({ pass }) => pass?.outcome !== undefined);
  const [clock, log, meter, stop] = [fakeClock(), silentLog, new Meter(lab.source), new AbortController()];
  let [fresh, wake] = [true, () => {}];
  const own = await lab.open();
  const store = withOthers(own, {
    async view(selectors) {
      const view = await own.view(selectors);
      const snapshot = (): Snapshot => ({ ...view.snapshot(), fresh });
      const onChange = (run: () => void) => {
        wake = run;
        return view.onChange(run);
      };
      return { snapshot, onChange, close: () => view.close() };
    },
  });
  const waits = elected({ store, machine: boot("b2"), clock, log, meter }, lab.source, stop.signal);
  const end = waits.then(
    () => "elected",
    (error: Error) => error.message,
  );
  const now = () => Promise.race([end, clock.advance(0).then(() => "waits")]);
  await eventually("it stands", () => clock.waiting() > 0);
  await clock.advance(1_000);
  fresh = false;
  wake();
  await clock.advance(13_000);
  fresh = true;
  wake();
  await clock.advance(14_000);
  assert.equal(await now(), "waits");
  await clock.advance(1_000);
  assert.match(await end, /^another machine, lab .* one is a copy of the other$/);
  stop.abort();
});
