// What a sync keeps of a repository on this machine, and how often it asks the remote.
import assert from "node:assert/strict";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { followingOf } from "../../../src/cli/sync/follow-flags.ts";
import { openGit } from "../../../src/sync/git.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { gitLab, gitSyncLab } from "../../support/git-lab.ts";
import { manifestText } from "../../support/sync-lab.ts";

const web = (image: string) => manifestText("web", image);

test("the mirror is bare and shallow: the last commit alone, and no work tree", async (t) => {
  const { remote, push, git } = await gitLab(t);
  await push({ "deploy/web.yaml": web("a:0") });
  const lab = await gitSyncLab(t, remote);
  await lab.start();
  const mirror = join(lab.beside, "state", "git");
  const asked = (...words: string[]) => git("--git-dir", mirror, ...words);
  for (const image of ["a:1", "a:2", "a:3"]) {
    await push({ "deploy/web.yaml": web(image) });
    await lab.settled({ web: image });
    assert.equal(await asked("rev-parse", "--is-bare-repository", "--is-shallow-repository"), "true\ntrue");
    assert.equal(await asked("rev-list", "--count", "--all"), "1", "one commit deep");
    assert.equal(await asked("rev-list", "--all"), await git("rev-parse", "HEAD"));
  }
  const found = await readdir(mirror, { recursive: true });
  assert.deepEqual(
    found.filter((name) => /index$|\.yaml$|README/.test(name)),
    [],
    "nothing is checked out",
  );
});

test("a remote is asked every 30 s unless another interval is said", async (t) => {
  const target = { kind: "git", url: "shop", shown: "shop", branch: "main", path: "" } as const;
  const noFlags = { adopt: false, "allow-force-push": false, partial: false, "self-heal": true };
  const { intervalMs } = followingOf(target, noFlags, { flag: "--listen", text: undefined });
  assert.equal(intervalMs, 30_000);
  const { remote, push } = await gitLab(t);
  const first = await push({ "deploy/web.yaml": web("a:1") });
  const clock = fakeClock();
  const follows = { kind: "git", url: remote, branch: "main", path: "deploy" } as const;
  let woken = Promise.withResolvers<void>();
  const wake = () => woken.resolve();
  const mirror = join(remote, "..", "mirror");
  const source = openGit({ url: remote, follows, mirror, intervalMs, wake, clock });
  t.after(() => source.close());
  const look = () => source.look(new AbortController().signal);
  /** A look that has the remote asked, and what is there then. */
  const fetched = async () => {
    woken = Promise.withResolvers();
    await look();
    await woken.promise;
    const found = await look();
    return "commit" in found ? [found.commit?.id, found.againInMs] : [];
  };
  assert.deepEqual(await fetched(), [first, intervalMs]);
  const second = await push({ "deploy/web.yaml": web("a:2") });
  await clock.advance(intervalMs - 1);
  const early = await look();
  assert.deepEqual("commit" in early ? [early.commit?.id, early.againInMs] : [], [first, 1]);
  await clock.advance(1);
  assert.deepEqual(await fetched(), [second, intervalMs]);
});
