// `sync forget`: a source that nobody will follow any more is told no more, what it has stays, and a later sync of it begins anew.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { syncDesk } from "../../support/sync-desk.ts";
import { manifestText } from "../../support/sync-lab.ts";

test("a source that is followed is not forgotten; one that was killed is, and its Deployments stay", async (t) => {
  const { folder, run, write, start, status } = await syncDesk(t);
  await write("web.yaml", manifestText("web", "a:1"));
  const { child } = start("sync", folder, "--listen", "127.0.0.1:0");
  await status("it is synced", ({ pass }) => pass?.outcome === "synced");
  const early = await run("sync", "forget", folder, "--yes");
  assert.equal(early.code, 3);
  assert.match(early.stderr, /Error: a sync follows dir:lab:.*, pid \d+\nHint: end it there first/);
  const ended = once(child, "close");
  child.kill("SIGKILL");
  await ended;
  await run("sync", "pause", folder);
  assert.match((await run("status")).stdout, /nobody follows it, .* or give it up with orchestra sync forget /);
  const unasked = await run("sync", "forget", folder);
  assert.equal(unasked.code, 2);
  assert.match(unasked.stderr, /Error: forgetting dir:lab:\S+ needs a yes, and there is no terminal to ask on/);
  const unnamed = await run("sync", "forget", "--yes");
  assert.equal(unnamed.code, 2);
  const forgotten = await run("sync", "forget", folder, "--yes");
  assert.equal(
    `${forgotten.code}\n${forgotten.stdout}`,
    `0\n1 Deployment will stay, and belong to dir:lab:${folder} as before.\ndir:lab:${folder} is forgotten.\n`,
  );
  assert.doesNotMatch((await run("status")).stdout, /nobody follows it/);
  const again = await run("sync", "forget", folder, "--yes");
  assert.match(again.stderr, /^Error: there is no sync of /m);
  assert.match((await run("get", "deployments", "-o", "wide")).stdout, /web .*a:1 .*dir:lab:/);

  // Its pause went with it.
  await write("web.yaml", manifestText("web", "a:2"));
  start("sync", folder, "--listen", "127.0.0.1:0");
  await status("it is synced again", ({ pass }) => pass?.outcome === "synced");
  assert.match((await run("get", "deployments", "-o", "wide")).stdout, /web .*a:2 .*dir:lab:/);
});
