// `orchestra up --sync`: a folder is followed in the process of `up`, as `orchestra sync` would.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { eventually } from "../../support/eventually.ts";
import { limitMs, syncDesk } from "../../support/sync-desk.ts";
import { manifestText } from "../../support/sync-lab.ts";

test("up --sync follows a folder besides, and lets it go when it ends", async (t) => {
  const { folder, run, write, start, status } = await syncDesk(t);
  await write("web.yaml", manifestText("web", "a:1"));
  const { child } = start("up", "--sync", folder);
  await status("it is synced", ({ pass }) => pass?.outcome === "synced");
  await write("web.yaml", manifestText("web", "a:2"));
  await eventually(
    "the new image is wanted",
    async () => (await run("get", "-o", "wide")).stdout.includes("a:2"),
    limitMs,
  );
  const ended = once(child, "close");
  child.kill("SIGTERM");
  assert.deepEqual(await ended, [0, null]);
  await status("its end is told", ({ lead }) => lead.ended !== undefined);
});

test("a folder with a # in its path is followed, also in the background, and is no branch", async (t) => {
  const { folder, run, status } = await syncDesk(t);
  const path = join(folder, "c#proj", "manifests");
  await mkdir(path, { recursive: true });
  await writeFile(join(path, "web.yaml"), manifestText("web", "a:1"));
  assert.equal((await run("up", "--detach", "--sync", path)).code, 0);
  await status("it is synced", ({ pass }) => pass?.outcome === "synced");
  assert.match((await run("sync", "status", path)).stdout, /^Source: +dir:.*c#proj\/manifests\n/);
});

test("in the background too it takes over, leaves and tells as the flags of sync say", async (t) => {
  const { folder, run, write, status } = await syncDesk(t);
  await write("web.yaml", manifestText("web", "a:1", ", replicas: 2"));
  // As `make up` does before there is a folder to follow.
  assert.equal((await run("apply", "-f", folder, "--no-wait")).code, 0);
  assert.equal((await run("up", "--detach", "--sync", folder)).code, 0);
  const { pass } = await status("it is refused", (sync) => sync.pass?.outcome === "refused");
  assert.match(pass?.errors[0] ?? "", /^web belongs to cli .*take it over with --adopt \(last written by /);
  await run("down");

  const words = ["--adopt", "--no-self-heal", "--max-delete", "7", "--sync-listen", "127.0.0.1:0"];
  const up = await run("up", "--detach", "--sync", folder, ...words);
  assert.equal(up.code, 0, up.stderr);
  await status("it is taken over", (sync) => sync.pass?.outcome === "synced");
  const log = await readFile(/its log is (\S+)\.$/m.exec(up.stdout)?.[1] ?? assert.fail(up.stdout), "utf8");
  const [url] = log.match(/(?<="url":")http:[^"]+/g)?.slice(-1) ?? [];
  const answer = await fetch(`${url ?? assert.fail(log)}/readyz`);
  assert.equal(`${answer.status} ${await answer.text()}`, "200 synced\n");
  await run("scale", "web", "5", "--no-wait");
  await status("the count is left", (sync) => sync.pass?.outcome === "drifted");

  const source = `dir:lab:${folder}`;
  const again = await run("up", "--detach", "--sync", folder, ...words);
  assert.equal(again.code, 0, again.stderr);
  assert.match(again.stdout, /^orchestra is already running as node .+ and follows dir:/);
  assert.match((await run("up", "--detach")).stdout, / and follows dir:/);
  const otherwise = await run("up", "--detach", "--sync", folder, "--partial");
  assert.equal(otherwise.code, 3);
  const flags = "--adopt --max-delete=7 --no-self-heal --sync-listen=127.0.0.1:0";
  assert.match(
    otherwise.stderr,
    new RegExp(` and follows ${source} with ${flags}, not with --partial\nHint: .* down first`),
  );
  const elsewhere = await run("up", "--detach", "--sync", `${folder}/shop`);
  assert.equal(elsewhere.code, 3);
  assert.match(
    elsewhere.stderr,
    new RegExp(
      ` does not follow ${source}/shop: it follows ${source}\nHint: let orchestra sync follow it .*; or orchestra down `,
    ),
  );
  const inFront = await run("up", "--sync", folder);
  assert.equal(inFront.code, 3);
  assert.match(
    inFront.stderr,
    /runs already on this store .*\nHint: stop it with orchestra down first, or let orchestra sync /,
  );
});

test("one that runs without a sync does not begin with one, and says so", async (t) => {
  const { folder, run } = await syncDesk(t);
  assert.match((await run("up", "--detach")).stdout, /^Next: orchestra apply -f FOLDER, /m);
  const { code, stdout, stderr } = await run("up", "--detach", "--sync", folder);
  assert.deepEqual([code, stdout], [3, ""]);
  assert.match(
    stderr,
    /Error: orchestra is running as node .* and does not follow dir:[^:]+:\S+manifests\nHint: let orchestra sync /,
  );
});

test("flags of a sync without one, and an address that is taken, are refused before anything runs", async (t) => {
  const { folder, run } = await syncDesk(t);
  for (const words of [
    ["--adopt"],
    ["--no-self-heal"],
    ["--interval", "30s"],
    ["--max-delete", "0"],
    ["--sync-listen", "127.0.0.1:0"],
  ]) {
    const { code, stderr } = await run("up", "--detach", ...words);
    assert.equal(code, 2);
    assert.match(stderr, new RegExp(`^Error: ${words[0]} says how --sync follows, and needs it\nHint: add --sync `));
  }
  const taker = createServer().listen(0, "127.0.0.1");
  t.after(() => taker.close());
  await once(taker, "listening");
  const address = taker.address();
  const taken = `127.0.0.1:${typeof address === "object" ? address?.port : ""}`;
  const { code, stderr } = await run("up", "--detach", "--sync", folder, "--sync-listen", taken);
  assert.equal(code, 1);
  assert.match(stderr, /told on 127\.0\.0\.1:\d+: another process listens there\nHint: .*--sync-listen/);
  assert.equal((await run("down")).stdout, "Nothing was running.\n");
});
