// A branch behind ssh: the user's own way of calling it is kept, nobody is ever asked anything, and what ssh refuses is told in words.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { openGit } from "../../../src/sync/git.ts";
import { eventually } from "../../support/eventually.ts";
import { setFor, sshLab } from "../../support/ssh-lab.ts";
import { manifestText, type SyncLab, syncLab } from "../../support/sync-lab.ts";
import { atTerminal } from "../../support/terminal.ts";

const program = fileURLToPath(new URL("../../../bin/dev.js", import.meta.url));
const web = (image: string) => ({ "deploy/web.yaml": manifestText("web", image) });
const awayFor = (lab: SyncLab, why: RegExp) =>
  lab.told(`away: ${why}`, ({ pass }) => pass?.outcome === "away" && why.test(pass.errors.join("\n")));
const ours = / -o BatchMode=yes -o ConnectTimeout=15 /;

/** `program`: the file that is called; `use`: how a user asks for it. */
const ways: readonly (readonly [
  name: string,
  program: string,
  use: (path: string) => NodeJS.ProcessEnv,
  called: RegExp,
])[] = [
  ["none: the ssh on the PATH", "ssh", () => ({}), /^ssh -o BatchMode=yes -o ConnectTimeout=15 .*git@shop\.invalid /],
  [
    "GIT_SSH_COMMAND",
    "ssh",
    (path) => ({ GIT_SSH_COMMAND: `${path} -i mine -o BatchMode=no` }),
    /^ssh -i mine -o BatchMode=no -o BatchMode=yes /,
  ],
  [
    "GIT_SSH_COMMAND, which is no ssh",
    "deploy",
    (path) => ({ GIT_SSH_COMMAND: `${path} --key mine` }),
    /^deploy --key mine git@shop\.invalid /,
  ],
  ["GIT_SSH", "deploy", (path) => ({ GIT_SSH: path }), /^deploy git@shop\.invalid /],
  ["core.sshCommand", "ssh", () => ({}), /^ssh -i mine -o BatchMode=yes /],
];
for (const [name, file, use, called] of ways) {
  test(`the user's own way of calling ssh is kept: ${name}`, async (t) => {
    const { lab, folder, push, program: make, calls } = await sshLab(t);
    const path = await make(file);
    if (name === "core.sshCommand")
      await writeFile(join(folder, "gitconfig"), `[core]\n\tsshCommand = ${path} -i mine\n`);
    setFor(t, { PATH: `${folder}:${process.env["PATH"]}`, ...use(path) });
    await push(web("a:1"));
    await lab.start();
    await lab.settled({ web: "a:1" });
    const [first = ""] = (await calls()).split("\n");
    assert.match(first, called);
    assert.equal(ours.test(first), file === "ssh");
  });
}

const refusals: readonly (readonly [says: string, why: RegExp])[] = [
  ["git@shop.invalid: Permission denied (publickey).", /does not let this user in; check the SSH key/],
  [
    "No ED25519 host key is known for shop.invalid and you have requested strict checking.\nHost key verification failed.",
    /host .* is not known; connect to it once with ssh/,
  ],
  [
    "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.",
    /host .* is another one than before; .*ssh-keygen -R/,
  ],
  ["ssh: connect to host shop.invalid port 22: Connection refused", /does not answer; it is tried again/],
];
test("what ssh refuses is told, and mended it goes on", async (t) => {
  const { lab, folder, push, program: make } = await sshLab(t);
  const says = join(folder, "says");
  const path = await make("ssh", `if [ -s ${says} ]; then cat ${says} >&2; exit 255; fi`);
  setFor(t, { GIT_SSH_COMMAND: path });
  await push(web("a:1"));
  await lab.start();
  await lab.settled({ web: "a:1" });
  for (const [text, why] of refusals) {
    await writeFile(says, `${text}\n`);
    await awayFor(lab, why);
  }
  setFor(t, { GIT_SSH_COMMAND: join(folder, "none") });
  await writeFile(says, "");
  await awayFor(
    lab,
    /the program that git is to call for ssh is not there; check GIT_SSH_COMMAND and core\.sshCommand/,
  );
  setFor(t, { GIT_SSH_COMMAND: path });
  await push(web("a:2"));
  await lab.settled({ web: "a:2" });
});

test("on a terminal a question is no question: it fails at once, and is told", async (t) => {
  const { folder, lab, url, program: make } = await sshLab(t);
  const path = await make(
    "deploy",
    // As ssh does, which was not told to ask nobody.
    '(printf "Are you sure? " >/dev/tty && read answer </dev/tty) || { echo "Host key verification failed." >&2; exit 255; }',
  );
  const ready = join(folder, "ready");
  const env = {
    ...process.env,
    GIT_SSH_COMMAND: path,
    ORCHESTRA_STATE_DIR: join(folder, "state"),
    ORCHESTRA_CACHE_DIR: join(folder, "cache"),
    ORCHESTRA_STORE: `file:${join(lab.beside, "store.db")}`,
  };
  const line = `echo $$ >${ready}; exec ${process.execPath} ${program} sync ${url}#main/deploy --listen 127.0.0.1:0`;
  const seen = atTerminal(t, `sh -c '${line}'`, env, []);
  const asked = /Are you sure/;
  await eventually(
    "it was called",
    async () => /^deploy /.test(await readFile(join(folder, "calls"), "utf8").catch(() => "")),
    30_000,
  );
  const told = async () =>
    (await lab.store.list(["syncs"])).list("syncs").find(({ value }) => value.pass?.outcome === "away");
  await eventually("it is told", told, 30_000);
  process.kill(Number(await readFile(ready, "utf8")), "SIGTERM");
  assert.doesNotMatch((await seen).screen, asked);
});

test("no window is opened for a password either, unless the user insists on their own program for it", async (t) => {
  const server = createServer((_request, response) => {
    response.writeHead(401, { "www-authenticate": 'Basic realm="shop"' }).end();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => server.close());
  const { folder, program: make } = await sshLab(t);
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/shop.git`;
  const window = await make("window", "echo secret; exit 0");
  setFor(t, { SSH_ASKPASS: window, DISPLAY: ":0" });
  const follows = { kind: "git", url, branch: "main", path: "" } as const;
  const lab = await syncLab(t, (state, clock) => ({
    follows,
    open: (wake: () => void) => openGit({ wake, url, follows, mirror: join(state, "git"), intervalMs: 50, clock }),
  }));
  await lab.start();
  await awayFor(lab, /does not let this user in/);
  const wasAsked = async () => /^window /.test(await readFile(join(folder, "calls"), "utf8").catch(() => ""));
  assert.equal(await wasAsked(), false);
  setFor(t, { SSH_ASKPASS_REQUIRE: "force" });
  await eventually("it is asked", wasAsked);
});

test("an ssh that hangs ends with the sync that has called it", async (t) => {
  const { folder, lab, program: make } = await sshLab(t);
  const path = await make("ssh", `echo $$ >${folder}/pid; exec sleep 1000`);
  setFor(t, { GIT_SSH_COMMAND: path });
  const sync = await lab.start();
  const pid = await eventually("it hangs", async () =>
    Number(await readFile(join(folder, "pid"), "utf8").catch(() => 0)),
  );
  t.after(() => {
    if (isThere(pid)) process.kill(pid, "SIGKILL");
  });
  await sync.close();
  await eventually("it has ended", () => !isThere(pid));
});

test("what ssh leaves behind in the background keeps nobody waiting", async (t) => {
  const { folder, lab, push, program: make } = await sshLab(t);
  const path = await make("ssh", `sleep 1000 & echo $! >>${folder}/pids`);
  setFor(t, { GIT_SSH_COMMAND: path });
  await push(web("a:1"));
  const sync = await lab.start();
  try {
    await lab.settled({ web: "a:1" });
  } finally {
    await sync.close();
    for (const pid of (await readFile(join(folder, "pids"), "utf8")).trim().split("\n").map(Number)) {
      if (isThere(pid)) process.kill(pid, "SIGKILL");
    }
  }
});

/** One that has ended and that nobody has asked for has no command line any more. */
function isThere(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8") !== "";
  } catch {
    return false;
  }
}
