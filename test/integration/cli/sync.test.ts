// `orchestra sync` as a program: it follows a folder until it is told to end, and the other commands see how it goes.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { hostname, networkInterfaces } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import type { SyncStatusDocument } from "../../../src/cli/sync/sync-text.ts";
import { syncKey } from "../../../src/model/keys.ts";
import { syncElection } from "../../../src/model/sync.ts";
import { openEmbedded } from "../../../src/store/embedded.ts";
import { put } from "../../../src/store/store.ts";
import { eventually } from "../../support/eventually.ts";
import { limitMs, syncDesk } from "../../support/sync-desk.ts";
import { manifestText } from "../../support/sync-lab.ts";

test("a program follows a folder, is paused and resumed, tells its errors, and ends cleanly", async (t) => {
  const { folder, stateDir, run, write, start, status } = await syncDesk(t);
  await write("web.yaml", manifestText("web", "a:1"));
  const { child, log } = start("sync", folder, "--listen", "127.0.0.1:0");
  await status("it is synced", ({ pass }) => pass?.outcome === "synced");
  const url = /"url":"(http:[^"]+)"/.exec(log())?.[1] ?? assert.fail(log());
  const ask = async (path: string) => {
    const response = await fetch(`${url}${path}`);
    return `${response.status} ${await response.text()}`;
  };
  assert.equal(await ask("/healthz"), "200 alive\n");
  assert.equal(await ask("/readyz"), "200 synced\n");
  assert.match(await ask("/metrics"), /\norchestra_sync_deployments\{source="dir:[^"]+"\} 1\n/);
  assert.match(await ask("/"), /^404 /);
  const taken = await run("sync", folder, "--listen", new URL(url).host);
  assert.equal(taken.code, 1);
  assert.match(
    taken.stderr,
    /Error: health and metrics cannot be told on 127\.0\.0\.1:\d+: another process listens there/,
  );
  assert.match((await run("get", "deployments", "-o", "wide")).stdout, /web .*a:1 .*dir:/);

  const paused = await run("sync", "pause", folder);
  assert.match(paused.stdout, /^dir:.*manifests is paused\.$/m);
  assert.match((await run("sync", "pause")).stdout, /was paused already/);
  await status("it is paused", ({ pass }) => pass?.outcome === "paused");
  await write("bad.yaml", "kind: [\n");
  assert.match((await run("sync", "resume", "manifests")).stdout, /goes on/);

  await status("it is refused", ({ pass }) => pass?.outcome === "refused");
  const text = (await run("sync", "status")).stdout;
  assert.match(text, /State: +refused: nothing of it is applied, for /);
  assert.match(text, /To look at:\n {2}bad\.yaml:/);
  assert.match((await run("get")).stderr, /Sync dir:.* is refused: bad\.yaml:/);
  assert.match((await run("status")).stdout, /sync dir:.*: refused: bad\.yaml:/);
  const listed = async () => JSON.parse((await run("get", "-o", "json")).stdout).syncs;
  const [{ errors, ...told }, ...others] = await listed();
  assert.deepEqual([told, others], [{ source: `dir:lab:${folder}`, outcome: "refused" }, []]);
  assert.match(errors[0], /^bad\.yaml:/);
  assert.match(
    (await run("get", "nodes", "-o", "yaml")).stdout,
    /^syncs:\n {2}- source: dir:.*\n {4}outcome: refused\n/m,
  );
  await rm(join(folder, "bad.yaml"));
  await status("it is mended", ({ pass }) => pass?.outcome === "synced");
  assert.deepEqual(await listed(), []);
  assert.doesNotMatch((await run("get")).stderr, /Sync /);

  const ended = once(child, "close");
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null]);
  for (const line of log().trim().split("\n")) assert.doesNotThrow(() => JSON.parse(line), line);
  // As if the store had come back as it was long before.
  const { id } = JSON.parse((await run("status", "-o", "json")).stdout).cluster;
  const seen = join(stateDir, id);
  const memory = (await readdir(seen)).find((name) => /^sync-[0-9a-f]+\.json$/.test(name)) ?? assert.fail();
  const known = JSON.parse(await readFile(join(seen, memory), "utf8"));
  await writeFile(join(seen, memory), JSON.stringify({ ...known, position: known.position + 1_000 }));
  assert.match(
    (await run("sync", "status")).stderr,
    /sync of this machine holds, and applies nothing: the store is older/,
  );
  assert.match((await run("status")).stdout, /sync: holds: the store is older than it was/);
  await writeFile(join(seen, memory), JSON.stringify(known));
  const over = (await run("sync", "status")).stdout;
  assert.match(over, /State: +not running/);
  assert.doesNotMatch((await run("status")).stdout, /sync dir:/);
});

test("without flags health is told on this machine alone, and what others own is refused; with --adopt it is taken over", async (t) => {
  const { folder, run, write, start, status } = await syncDesk(t);
  assert.equal((await run("deploy", "web", "--image", "a:1", "--no-wait")).code, 0);
  await write("web.yaml", manifestText("web", "a:2"));
  const first = start("sync", folder);
  const { pass } = await status("it is refused", ({ pass }) => pass?.outcome === "refused");
  assert.match(pass?.errors[0] ?? "", /^web belongs to cli/);
  const url = /"url":"(http:[^"]+)"/.exec(first.log())?.[1] ?? assert.fail(first.log());
  const { hostname, port } = new URL(url);
  assert.equal(hostname, "127.0.0.1");
  assert.equal((await fetch(`${url}/healthz`)).status, 200);
  const others = Object.values(networkInterfaces()).flatMap((all) => (all ?? []).filter(({ internal }) => !internal));
  for (const { address } of others.filter(({ family }) => family === "IPv4"))
    await assert.rejects(fetch(`http://${address}:${port}/healthz`), ({ cause }) => cause.code === "ECONNREFUSED");
  const ended = once(first.child, "close");
  first.child.kill("SIGTERM");
  await ended;
  start("sync", folder, "--adopt");
  await status("it is synced", ({ pass }) => pass?.outcome === "synced");
  assert.match((await run("get", "deployments", "-o", "wide")).stdout, /web .*a:2 .*dir:/);
  const taken = await run("apply", "-f", join(folder, "web.yaml"), "--adopt", "--no-wait");
  assert.match(taken.stdout, /^Note: the sync of dir:.* applies nothing while its files still name web: take it out /m);
});

test("one that was killed is no sync any more: status, listings and sync status say so", async (t) => {
  const { folder, run, write, start, status } = await syncDesk(t);
  await write("web.yaml", manifestText("web", "a:1"));
  const { child } = start("sync", folder, "--listen", "127.0.0.1:0");
  await status("it is synced", ({ pass }) => pass?.outcome === "synced");
  const ended = once(child, "close");
  child.kill("SIGKILL");
  await ended;
  assert.match((await run("status")).stdout, /sync dir:.*: not running: nobody follows it, .* pid \d+, last heard of /);
  assert.match((await run("get")).stderr, /Sync dir:.* is not running: /);
  const { stdout } = await run("sync", "status");
  assert.match(
    stdout,
    /State: +not running: start it again with orchestra sync\nLed by: .*, was last heard of .* ago, and is gone\n/,
  );
  const trigger = await run("sync", "trigger");
  assert.equal(trigger.code, 1);
  assert.match(trigger.stderr, /no sync follows dir:.* now\nHint: start it again/);
  const paused = await run("sync", "pause");
  assert.deepEqual([paused.code, paused.stderr], [0, "No sync follows it now: it counts when one is started.\n"]);
});

test("one whose machine is gone, or whose number another process has by now, is told as long as nobody else leads", async (t) => {
  const { run, stateDir } = await syncDesk(t);
  await run("deploy", "web", "--image", "a:1", "--no-wait");
  const store = await openEmbedded(join(stateDir, "..", "store.db"), { create: false });
  t.after(() => store.close());
  const since = new Date().toISOString();
  const follows = { kind: "git", url: "shop", branch: "main", path: "" } as const;
  const pass = { at: since, outcome: "synced", errors: [] } as const;
  const leads = { elsewhere: { host: "gone", pid: 1, since }, here: { host: hostname(), pid: process.pid, since } };
  const syncs = Object.entries(leads).map(([source, lead]) => ({ source, follows, lead, pass }));
  await store.commit({ changes: syncs.map((sync) => put(syncKey(sync.source), sync, "absent")) });
  const told = async () => (await run("status")).stdout.match(/sync \w+: not running: nobody follows it/g)?.length ?? 0;
  assert.equal(await told(), 2);
  const shown = async () =>
    JSON.parse((await run("sync", "status", "-o", "json")).stdout).syncs as SyncStatusDocument["syncs"];
  assert.deepEqual(
    (await shown()).map(({ running }) => running),
    [false, false],
  );
  const trigger = await run("sync", "trigger", "elsewhere");
  assert.match(trigger.stderr, /no sync follows elsewhere now/);
  await store.elect(syncElection("elsewhere"), new AbortController().signal);
  assert.equal(await told(), 1);
  assert.deepEqual(
    (await shown()).map(({ source, running }) => `${source} ${running}`),
    ["elsewhere true", "here false"],
  );
  const triggered = await run("sync", "trigger", "elsewhere");
  assert.deepEqual([triggered.code, triggered.stderr], [0, ""]);
  await run("sync", "pause", "elsewhere");
  const inPause = await run("sync", "trigger", "elsewhere");
  const paused = "It is paused, and applies nothing: orchestra sync resume has it go on.\n";
  assert.deepEqual([inPause.code, inPause.stderr], [0, paused]);
});

test("a sync is named as it was told what to follow; of several that are meant just those are named", async (t) => {
  const { folder, run, start, status } = await syncDesk(t);
  const urls = [`${folder}#main/deploy`, `${folder}#other/deploy`];
  for (const url of urls) start("sync", url, "--listen", "127.0.0.1:0");
  start("sync", join(folder, ".."), "--listen", "127.0.0.1:0");
  await status("one has begun", ({ pass }) => pass);
  const listed = async () => JSON.parse((await run("sync", "status", "-o", "json")).stdout).syncs.length === 3;
  await eventually("all three have begun", listed, limitMs);
  for (const url of urls) {
    const { code, stdout } = await run("sync", "status", url);
    assert.equal(code, 0);
    assert.match(stdout, /^Source: +git:.*\n/);
    assert.equal(stdout.match(/^Source:/gm)?.length, 1);
  }
  const { code, stderr } = await run("sync", "pause", "git:");
  assert.equal(code, 2);
  assert.match(
    stderr,
    /git: means more than one sync\nHint: name one of 'git:\S+#main:deploy', 'git:\S+#other:deploy'\.\n/,
  );
});

test("a source that nobody follows is named with those that are there", async (t) => {
  const { run } = await syncDesk(t);
  await run("deploy", "web", "--image", "a:1", "--no-wait");
  const { code, stderr } = await run("sync", "pause", "elsewhere");
  assert.equal(code, 1);
  assert.match(stderr, /there is no sync of elsewhere/);
  assert.match((await run("sync", "status")).stderr, /No sync\./);
});

test("what is for a branch alone is refused for a folder, by sync and by up, instead of being passed over", async (t) => {
  const { folder, run } = await syncDesk(t);
  for (const words of [["--interval", "1m"], ["--allow-force-push"]]) {
    for (const command of [
      ["sync", folder],
      ["up", "--detach", "--sync", folder],
    ]) {
      const { code, stderr } = await run(...command, ...words);
      assert.equal(code, 2);
      assert.match(
        stderr,
        new RegExp(`^Error: ${words[0]} is for a Git branch, and a folder is followed\nHint: leave`),
      );
    }
  }
});

test("an interval without a pause is refused, by sync and by up", async (t) => {
  const { folder, run } = await syncDesk(t);
  const commands = [
    ["sync", `${folder}#main`],
    ["up", "--detach", "--sync", `${folder}#main`],
  ];
  for (const words of commands) {
    const { code, stderr } = await run(...words, "--interval", "10ms");
    assert.equal(code, 2);
    assert.match(
      stderr,
      /^Error: --interval: 10ms is too short\nHint: write 1s or more; orchestra sync trigger asks at once/,
    );
  }
});
