// An ssh without a server: a program in its place that carries out on this machine what git would have done on another.
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { openGit } from "../../src/sync/git.ts";
import { type GitLab, gitLab } from "./git-lab.ts";
import { type SyncLab, syncLab } from "./sync-lab.ts";
import { tempFolder } from "./temp-folder.ts";

export interface SshLab extends GitLab {
  readonly folder: string;
  /** As git is called with it: the host is on no network. */
  readonly url: string;
  readonly lab: SyncLab;
  /** Makes a program of this name, which does `first` and then what it is asked for; gives its path. */
  program(name: string, first?: string): Promise<string>;
  /** With what words programs were called, and by what name. */
  calls(): Promise<string>;
}

/**
 * `settings`: of the environment while the test lasts; undefined: not set. Nothing else of whoever runs the tests counts.
 * `remoteLimitMs`: how long a remote may take; absent: as long as users have.
 */
export async function sshLab(
  t: TestContext,
  settings: NodeJS.ProcessEnv = {},
  remoteLimitMs?: number,
): Promise<SshLab> {
  const git = await gitLab(t);
  const folder = await tempFolder(t);
  const url = `git@shop.invalid:${git.remote}`;
  const follows = { kind: "git", url, branch: "main", path: "deploy" } as const;
  const nothing = [
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_SSH_VARIANT",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "SSH_ASKPASS_REQUIRE",
  ];
  const none = Object.fromEntries(nothing.map((name) => [name, undefined]));
  setFor(t, { ...none, GIT_CONFIG_NOSYSTEM: "1", GIT_CONFIG_GLOBAL: join(folder, "gitconfig"), ...settings });
  const limits = remoteLimitMs === undefined ? {} : { remoteLimitMs };
  const lab = await syncLab(t, (state, clock) => ({
    follows,
    open: (wake: () => void) =>
      openGit({ wake, url, follows, mirror: join(state, "git"), intervalMs: 50, clock, ...limits }),
  }));
  return {
    ...git,
    folder,
    url,
    lab,
    async program(name, first = "") {
      const path = join(folder, name);
      await mkdir(dirname(path), { recursive: true });
      // Git asks a program that it does not know with -G whether it is OpenSSH.
      const lines = [
        "#!/bin/sh",
        'case " $* " in *" -G "*) exit 1;; esac',
        `echo "$(basename "$0") $*" >>${folder}/calls`,
        first,
        'for last; do :; done; exec sh -c "$last"',
      ];
      await writeFile(path, `${lines.join("\n")}\n`);
      await chmod(path, 0o755);
      return path;
    },
    calls: () => readFile(join(folder, "calls"), "utf8"),
  };
}

/** Of this process, whose children have them too. */
export function setFor(t: TestContext, settings: NodeJS.ProcessEnv): void {
  const before = Object.fromEntries(Object.keys(settings).map((name) => [name, process.env[name]]));
  const set = (values: NodeJS.ProcessEnv) => {
    for (const [name, value] of Object.entries(values)) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  };
  t.after(() => set(before));
  set(settings);
}
