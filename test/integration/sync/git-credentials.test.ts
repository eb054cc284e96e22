// A repository behind a password that a credential helper of the user knows: followed, also while the helper is wrong, and the password stays with git.
import assert from "node:assert/strict";
import { chmod, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { throughout } from "../../support/eventually.ts";
import { gitHttp } from "../../support/git-http.ts";
import { gitLab, gitSyncLab } from "../../support/git-lab.ts";
import { setFor } from "../../support/ssh-lab.ts";
import { manifestText } from "../../support/sync-lab.ts";
import { syncProcess } from "../../support/sync-process.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const [right, wrong] = ["correct-horse-7", "battery-staple-9"];
const web = (image: string) => manifestText("web", image);

test("a credential helper opens the way; a wrong one is told and changes nothing; no password is told or kept", async (t) => {
  const own = await tempFolder(t);
  const [settings, helper] = [join(own, "gitconfig"), join(own, "helper")];
  const knows = async (password: string | undefined) => {
    const answer = password === undefined ? "exit 1" : `echo username=ann; echo password=${password}`;
    await writeFile(helper, `#!/bin/sh\n[ "$1" = get ] || exit 0\n${answer}\n`);
    await chmod(helper, 0o755);
  };
  await writeFile(settings, `[credential]\n\thelper = ${helper}\n`);
  await knows(right);
  const nothing = { GIT_ASKPASS: undefined, SSH_ASKPASS: undefined, GIT_CONFIG_NOSYSTEM: "1" };
  setFor(t, { ...nothing, GIT_CONFIG_GLOBAL: settings, ORCHESTRA_LOG_LEVEL: "debug" });
  const { remote, push } = await gitLab(t);
  const server = await gitHttp(t, dirname(remote), "ann", right);
  await push({ "deploy/web.yaml": web("a:1") });
  const url = `${server.url}/remote.git`;
  const lab = await gitSyncLab(t, url);
  const words = [`${url}#main/deploy`, "--interval", "1s"];
  const storeUrl = `file:${join(lab.beside, "store.db")}`;
  const sync = syncProcess(t, { storeUrl, words, folder: lab.beside });
  await lab.settled({ web: "a:1" });
  assert.ok(server.counts().served > 0 && server.counts().refused > 0, "it was asked for, and given");
  const saidNo = /does not let this user in; check the SSH key or the credential helper/;
  let version = 1;
  for (const answer of [wrong, undefined]) {
    await knows(answer);
    const before = { web: `a:${version}` };
    version += 1;
    await push({ "deploy/web.yaml": web(`a:${version}`) });
    await sync.ready(saidNo);
    const { pass } = await lab.told("it is told", ({ pass }) => pass?.outcome === "away");
    assert.match(pass?.errors[0] ?? "", saidNo);
    await throughout(300, async () => assert.deepEqual(await lab.images(), before));
    await knows(right);
    await lab.settled({ web: `a:${version}` });
    await sync.ready(/^200 synced/);
  }
  await sync.end();
  for (const secret of [right, wrong]) {
    assert.ok(!sync.log().includes(secret), "the log");
    // The store, the mirror, what is remembered and cached.
    for (const file of await readdir(lab.beside, { recursive: true, withFileTypes: true })) {
      if (!file.isFile()) continue;
      const path = join(file.parentPath, file.name);
      const [bytes, encoded] = [await readFile(path), Buffer.from(`ann:${secret}`).toString("base64")];
      assert.ok(!bytes.includes(secret) && !bytes.includes(encoded), path);
    }
  }
});
