// Several syncs of one source: who leads, who stands by, and what those that cannot lead say of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "../../../src/log.ts";
import { OrchestraError } from "../../../src/model/errors.ts";
import type { Store } from "../../../src/store/store.ts";
import { readinessOf } from "../../../src/sync/health.ts";
import { answer } from "../../../src/sync/http.ts";
import type { Sync } from "../../../src/sync/sync.ts";
import { eventually } from "../../support/eventually.ts";
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
