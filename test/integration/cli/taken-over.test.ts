// A Deployment of a sync that somebody takes over by hand: who it was, when, and what is not as the files say.
import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { syncDesk } from "../../support/sync-desk.ts";
import { manifestText } from "../../support/sync-lab.ts";

test("the sync that is refused says who took its Deployment, when and what differs; so does diff --live", async (t) => {
  const { folder, run, write, start, status } = await syncDesk(t, { SUDO_USER: "ann" });
  await write("web.yaml", manifestText("web", "a:1", ", replicas: 2"));
  await write("api.yaml", manifestText("api", "b:1"));
  start("sync", folder, "--listen", "127.0.0.1:0");
  await status("it is synced", ({ pass }) => pass?.outcome === "synced");
  const other = join(folder, "..", "other");
  await mkdir(other);
  await writeFile(join(other, "web.yaml"), manifestText("web", "a:2", ", replicas: 3, env: { MODE: x }"));
  assert.equal((await run("apply", "-f", other, "--adopt", "--no-wait")).code, 0);

  const source = `dir:lab:${folder}`;
  const { pass } = await status("it is refused", (sync) => sync.pass?.outcome === "refused");
  const time = String.raw`20\d\d-\d\d-\d\dT\S+Z`;
  const fields = "spec.replicas, spec.image, spec.env.MODE";
  const belongs = `web belongs to cli \\(plain apply and deploy\\), not to ${source}`;
  const does = "change it there, or take it over with --adopt";
  const told = new RegExp(
    `^${belongs}; ${does} \\(last written by ann at ${time}; not as the files say: ${fields}\\)$`,
  );
  assert.deepEqual(pass?.errors.length, 1);
  assert.match(pass.errors[0] ?? "", told);
  assert.match(
    (await run("sync", "status")).stdout,
    /To look at:\n {2}web belongs to cli .* \(last written by ann at /,
  );

  const words = ["diff", "-f", folder, "--source", source, "--live"];
  const live = await run(...words);
  assert.equal(live.code, 1);
  const said = `^web: ${belongs}, and is not as the files say: ${fields} \\(last written by ann at ${time}\\)$`;
  assert.match(live.stdout, new RegExp(said, "m"));
  const { drifts } = JSON.parse((await run(...words, "-o", "json")).stdout);
  assert.deepEqual([drifts.length, drifts[0].kind, drifts[0].fields], [1, "blocked", fields.split(", ")]);
  assert.equal(drifts[0].by.by, "ann");

  assert.equal((await run("apply", "-f", folder, "--adopt", "--no-wait")).code, 0);
  const same = await status("nothing differs but whose it is", (sync) => !sync.pass?.errors[0]?.includes(" not as "));
  assert.match(same.pass?.errors.find((error) => error.startsWith("web")) ?? "", /\(last written by ann at [^;]*\)$/);
});
