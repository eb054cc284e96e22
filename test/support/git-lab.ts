// A real Git repository with a work tree of its own, and a bare one that it is pushed to.
import { execFile } from "node:child_process";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import type { Clock } from "../../src/clock.ts";
import type { Store } from "../../src/store/store.ts";
import { openGit } from "../../src/sync/git.ts";
import { type SyncLab, syncLab } from "./sync-lab.ts";
import { tempFolder } from "./temp-folder.ts";

const run = promisify(execFile);

export interface GitLab {
  /** The bare repository. */
  readonly remote: string;
  /** The work tree that is pushed from. */
  readonly work: string;
  /** Runs git in the work tree; gives what it prints. */
  git(...words: string[]): Promise<string>;
  /** Writes files (undefined: removes them), commits and pushes; gives the commit's id. */
  push(files: Readonly<Record<string, string | undefined>>, subject?: string): Promise<string>;
}

/** One commit is in the remote already, on `main`. `format`: of the hashes that name what is in it. */
export async function gitLab(t: TestContext, format = "sha1"): Promise<GitLab> {
  const root = await tempFolder(t);
  const [remote, work] = [join(root, "remote.git"), join(root, "work")];
  // Nothing of whoever runs the tests: their name, their hooks, their signing keys.
  const env = { PATH: process.env["PATH"], HOME: root, GIT_CONFIG_NOSYSTEM: "1", LC_ALL: "C" };
  const git = async (...words: string[]) => {
    const who = ["-c", "user.name=Ann Example", "-c", "user.email=ann@example.org", "-c", "protocol.file.allow=always"];
    const { stdout } = await run("git", [...who, ...words], { cwd: work, env });
    return stdout.trim();
  };
  await mkdir(work);
  await git("init", "-q", `--object-format=${format}`, "--bare", "-b", "main", remote);
  await git("init", "-q", `--object-format=${format}`, "-b", "main", ".");
  await git("remote", "add", "origin", remote);
  const push = async (files: Readonly<Record<string, string | undefined>>, subject = "change") => {
    for (const [name, text] of Object.entries(files)) {
      const path = join(work, name);
      await mkdir(dirname(path), { recursive: true });
      if (text === undefined) await rm(path);
      else await writeFile(path, text);
    }
    await git("add", "-A");
    await git("commit", "-q", "--allow-empty", "-m", subject);
    await git("push", "-q", "origin", "HEAD");
    return git("rev-parse", "HEAD");
  };
  await push({ "README.md": "shop" }, "begin");
  return { remote, work, git, push };
}

/** Where a sync of `gitSyncLab` has its mirror, below the lab's state. */
export interface MirrorPlace {
  name: string;
}

/**
 * A sync that follows `deploy/` on `main`, and looks often. `connect` opens the store; absent: an embedded one.
 * `place`: another name before a start is another machine's mirror.
 */
export function gitSyncLab(
  t: TestContext,
  url: string,
  connect?: () => Promise<Store>,
  place: MirrorPlace = { name: "git" },
): Promise<SyncLab> {
  const follows = { kind: "git", url, branch: "main", path: "deploy" } as const;
  const followed = (state: string, clock: Clock) => ({
    follows,
    open: (wake: () => void) => openGit({ wake, url, follows, mirror: join(state, place.name), intervalMs: 50, clock }),
  });
  return syncLab(t, followed, connect);
}
