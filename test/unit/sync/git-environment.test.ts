// What of the user's environment git is called with, and what nobody may be asked by it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gitEnvironment } from "../../../src/sync/git-environment.ts";

const ours = "-o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=10";
const cases: readonly {
  readonly name: string;
  readonly own: Readonly<Record<string, string>>;
  readonly configured?: string;
  readonly command: string | undefined;
}[] = [
  { name: "nothing of the user's", own: {}, command: `ssh ${ours}` },
  { name: "core.sshCommand", own: {}, configured: "ssh -i k", command: `ssh -i k ${ours}` },
  {
    name: "GIT_SSH_COMMAND before it",
    own: { GIT_SSH_COMMAND: "/bin/ssh -v" },
    configured: "ssh -i k",
    command: `/bin/ssh -v ${ours}`,
  },
  { name: "GIT_SSH after it", own: { GIT_SSH: "/opt/plink" }, configured: "ssh", command: `ssh ${ours}` },
  { name: "GIT_SSH alone", own: { GIT_SSH: "/opt/plink" }, command: undefined },
  { name: "another program", own: { GIT_SSH_COMMAND: "sshpass -e ssh" }, command: "sshpass -e ssh" },
  { name: "another program in the settings", own: {}, configured: "plink -batch", command: undefined },
];
for (const { name, own, configured, command } of cases) {
  test(`how ssh is called: ${name}`, () => assert.equal(gitEnvironment(own, configured)["GIT_SSH_COMMAND"], command));
}

test("the user's own helpers are kept, those that ask in a window are not, nor what belongs to another repository", () => {
  const own = {
    HOME: "/home/ann",
    GIT_ASKPASS: "/bin/secret",
    SSH_ASKPASS: "/bin/window",
    GIT_DIR: "/other/.git",
    GIT_COMMON_DIR: "/other/.git",
    GIT_QUARANTINE_PATH: "/other/.git/objects/incoming",
    GIT_CONFIG_GLOBAL: "/home/ann/settings",
    ORCHESTRA_STORE_PASSWORD: "secret",
    LC_ALL: "de",
  };
  const { GIT_NO_LAZY_FETCH, GCM_INTERACTIVE, GIT_SSH_COMMAND, ...left } = gitEnvironment(own);
  assert.deepEqual(left, {
    HOME: "/home/ann",
    GIT_ASKPASS: "/bin/secret",
    GIT_CONFIG_GLOBAL: "/home/ann/settings",
    LC_ALL: "C",
    GIT_TERMINAL_PROMPT: "0",
  });
  assert.equal(gitEnvironment({ ...own, SSH_ASKPASS_REQUIRE: "force" })["SSH_ASKPASS"], "/bin/window");
});
