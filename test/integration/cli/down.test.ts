// `down` on a machine whose roles were started by `orchestra run`: they are not its to end, and it says so.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { processOf, writeProcessRecord } from "../../../src/process-record.ts";
import { type RolesRecord, runRecordPath } from "../../../src/state-folder.ts";
import { openDesk } from "../../support/desk.ts";

test("down names the roles that go on, touches nothing of theirs, and looks after what they left when they have ended", async (t) => {
  const desk = await openDesk(t);
  const role = spawn("sleep", ["600"], { stdio: "ignore" });
  t.after(() => role.kill("SIGKILL"));
  const self = processOf(role.pid ?? 0) ?? assert.fail();
  const record: RolesRecord = {
    ...self,
    store: `file:${desk.storePath}`,
    cluster: "0123abcd",
    node: "node-1",
    since: "2026-01-01T00:00:00.000Z",
    roles: ["worker", "dns"],
  };
  writeProcessRecord(runRecordPath(join(desk.folder, "state"), record.cluster, ["worker", "dns"]), record);
  const during = await desk.run("down");
  assert.deepEqual(
    [during.code, during.stdout],
    [0, `orchestra run worker dns goes on here (pid ${role.pid}): end it where it was started.\n`],
  );
  assert.equal(role.exitCode, null);
  role.kill("SIGTERM");
  await once(role, "exit");
  const after = await desk.run("down");
  assert.deepEqual([after.code, after.stdout], [0, "Nothing was running.\n"]);
});
