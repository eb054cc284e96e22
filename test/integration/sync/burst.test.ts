// Events of a folder that keep coming: each is a hint, and looking at ten thousand files for each of them would leave time for nothing else.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { systemClock } from "../../../src/clock.ts";
import { silentLog } from "../../../src/log.ts";
import { openDirectory } from "../../../src/sync/directory.ts";
import { Reach } from "../../../src/sync/directory-reach.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { tempFolder } from "../../support/temp-folder.ts";

test("events right after a look wake once, when it has rested", async (t) => {
  const root = await tempFolder(t);
  const path = join(root, "manifests");
  await mkdir(path);
  await writeFile(join(path, "web.yaml"), '{ name: web, image: "a:1" }');
  const clock = fakeClock();
  let woken = 0;
  let event = () => {};
  const directory = openDirectory({
    path,
    wake: () => {
      woken += 1;
    },
    clock,
    log: silentLog,
    reach: new Reach({ path, clock: systemClock }),
    mountsFile: join(root, "mounts.json"),
    watch: ({ wake }) => {
      event = wake;
      return { close: async () => {} };
    },
  });
  t.after(() => directory.close());
  const look = await directory.look(new AbortController().signal);
  assert.equal(look.state, "read");
  for (let times = 0; times < 1_000; times += 1) event();
  assert.equal(woken, 0);
  await clock.advance(60_000);
  assert.equal(woken, 1);
  event();
  assert.equal(woken, 2, "who has rested wakes at once");
});
