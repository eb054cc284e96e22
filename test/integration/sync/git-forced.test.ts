// A branch that is pushed by force: what was applied last is no more among its commits, so somebody has taken history back, or mistaken the branch.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { approve } from "../../../src/cli/sync/syncs.ts";
import { gitLab, gitSyncLab } from "../../support/git-lab.ts";
import { manifestText } from "../../support/sync-lab.ts";

const web = (image: string) => ({ "deploy/web.yaml": manifestText("web", image) });

/** A sync that has applied the second of two commits, and the first one pushed in its place. */
async function forced(t: TestContext, options: { allowForcePush?: boolean } = {}) {
  const { remote, push, git } = await gitLab(t);
  const before = await push(web("a:1"));
  const last = await push(web("a:2"));
  const lab = await gitSyncLab(t, remote);
  const sync = await lab.start(options);
  await lab.settled({ web: "a:2" });
  await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
  await git("reset", "-q", "--hard", "HEAD~1");
  await git("push", "-q", "--force", "origin", "HEAD");
  return { lab, sync, before, last, push, git };
}

test("a forced push waits for a person, also after a restart, and passes when it is approved", async (t) => {
  const { lab, sync, before, last } = await forced(t);
  const held = () => lab.told("it is held", ({ pass }) => pass?.outcome === "held");
  const { pass, held: first } = await held();
  assert.deepEqual(pass?.errors, [
    `main was pushed by force: ${last.slice(0, 12)}, which was applied last, is not among the commits before ${before.slice(0, 12)}`,
  ]);
  assert.equal(pass?.commit?.id, before);
  await sync.close();
  await lab.start();
  await lab.told("it leads again", ({ lead, pass }) => lead.ended === undefined && pass?.outcome === "held");
  assert.deepEqual(await lab.images(), { web: "a:2" });
  const { held: again } = await held();
  assert.equal(again?.token, first?.token);
  await approve(lab.store, again?.token ?? "", { by: "ann", at: "now" });
  await lab.settled({ web: "a:1" });
  await lab.told("it is synced", ({ pass }) => pass?.outcome === "synced");
});

test("a forced push is followed at once where that is allowed", async (t) => {
  const { lab } = await forced(t, { allowForcePush: true });
  await lab.settled({ web: "a:1" });
});

test("a commit that comes after the one applied last ends the hold", async (t) => {
  const { lab, push, git, last } = await forced(t);
  await lab.told("it is held", ({ pass }) => pass?.outcome === "held");
  await git("merge", "-q", "--ff-only", last);
  await push(web("a:3"));
  await lab.settled({ web: "a:3" });
});

test("a forced push that changes nothing is nobody's business, and what comes after it is not held", async (t) => {
  const { remote, push, git } = await gitLab(t);
  await push(web("a:1"));
  const lab = await gitSyncLab(t, remote);
  await lab.start();
  await lab.settled({ web: "a:1" });
  await git("commit", "-q", "--amend", "-m", "said better");
  await git("push", "-q", "--force", "origin", "HEAD");
  await lab.told("it is synced", ({ applied }) => applied?.commit?.subject === "said better");
  await push(web("a:2"));
  await lab.settled({ web: "a:2" });
});

for (const count of [3, 60]) {
  test(`${count} commits in one push, a merge among them, are no forced push`, async (t) => {
    const { remote, push, git } = await gitLab(t);
    await push(web("a:1"));
    const lab = await gitSyncLab(t, remote);
    const sync = await lab.start();
    await lab.settled({ web: "a:1" });
    await sync.close();
    await git("checkout", "-q", "-b", "side");
    await git("commit", "-q", "--allow-empty", "-m", "beside");
    await git("checkout", "-q", "main");
    for (let index = 0; index < count; index += 1) await git("commit", "-q", "--allow-empty", "-m", `commit ${index}`);
    await git("merge", "-q", "--no-ff", "-m", "together", "side");
    await push(web("a:2"));
    await lab.start();
    await lab.settled({ web: "a:2" });
  });
}
