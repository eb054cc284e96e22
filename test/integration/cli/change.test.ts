// diff, apply, deploy, scale and delete on a store where nothing runs: what they say is what they write.
import assert from "node:assert/strict";
import { statSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { deploymentKey } from "../../../src/model/keys.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { type Desk, openDesk } from "../../support/desk.ts";

interface WritingDesk extends Desk {
  write(name: string, text: string): Promise<string>;
  /** Everything in the store, and how often it has been written. */
  content(): Promise<{ position: number; documents: Readonly<Record<string, unknown>> }>;
}

async function desk(t: TestContext): Promise<WritingDesk> {
  const opened = await openDesk(t, { SUDO_USER: "ann" });
  const { folder, storePath } = opened;
  return {
    ...opened,
    async write(name, text) {
      await writeFile(join(folder, name), text);
      return join(folder, name);
    },
    async content() {
      const store = await openStore(`file:${storePath}`, { create: false });
      try {
        const snapshot = await store.list(["deployments", "revisions"]);
        const found = [...snapshot.list("deployments"), ...snapshot.list("revisions")];
        return {
          position: snapshot.position,
          documents: Object.fromEntries(found.map(({ key, value }) => [key, value])),
        };
      } finally {
        await store.close();
      }
    },
  };
}

const web = (image: string, password: string, replicas = 3) => `apiVersion: orchestra/v1
kind: Deployment
metadata: { name: web }
spec:
  replicas: ${replicas}
  image: ${image}
  env: { MODE: prod, PASSWORD: ${password} }
`;

test("diff says what apply writes; a second apply writes nothing; secrets stay hidden", async (t) => {
  const { run, write, content, storePath } = await desk(t);
  const file = await write("web.yaml", web("demo:1", "geheim"));
  const first = await run("diff", "-f", file);
  assert.deepEqual([first.code, first.stderr], [1, ""]);
  assert.match(first.stdout, /^\+ web$/m);
  assert.match(first.stdout, /^ {4}\+ spec\.image: demo:1$/m);
  assert.match(first.stdout, /3 pods created: web-0, web-1, web-2 \(no node yet\)/);
  assert.match(first.stdout, /^Plan: 1 to create, 0 unchanged\.$/m);

  const applied = await run("apply", "-f", file);
  assert.equal(applied.code, 0);
  const why = await run("why", "web-0");
  assert.equal(why.code, 1);
  assert.match(why.stderr, /web-0 has not been created yet: no master has run on this store.*orchestra up/s);
  assert.match(applied.stdout, /Written: 1 created\. No worker runs on this store .*`orchestra up` starts it\./);
  assert.deepEqual([statSync(dirname(storePath)).mode & 0o777, statSync(storePath).mode & 0o777], [0o700, 0o600]);

  const before = await content();
  const again = await run("apply", "-f", file);
  assert.deepEqual([again.code, again.stdout], [0, "Up to date.\n"]);
  const same = await run("diff", "-f", file);
  assert.deepEqual([same.code, same.stdout], [0, "No differences.\n"]);
  assert.deepEqual(await content(), before);

  await write("web.yaml", web("demo:2", "topsecret"));
  const changed = await run("diff", "-f", file);
  assert.equal(changed.code, 1);
  assert.match(changed.stdout, /~ spec\.image: demo:1 → demo:2/);
  assert.match(changed.stdout, /~ spec\.env\.PASSWORD: \*\*\* \(before\) → \*\*\* \(after\)/);
  const json = await run("diff", "-f", file, "-o", "json");
  assert.deepEqual(JSON.parse(json.stdout).deployments[0].changes, [
    { path: "spec.image", old: "demo:1", new: "demo:2" },
    { path: "spec.env.PASSWORD", old: "***", new: "***", masked: true },
  ]);
  for (const { stdout, stderr } of [first, applied, changed, json])
    assert.doesNotMatch(stdout + stderr, /geheim|topsecret/);
  assert.match((await run("diff", "-f", file, "--show-values")).stdout, /PASSWORD: geheim → topsecret/);
  assert.deepEqual(await content(), before);
});

test("an override by scale stays and is shown, until the file's line changes or --reset", async (t) => {
  const { run, write } = await desk(t);
  const file = await write("web.yaml", web("demo:1", "a"));
  await run("apply", "-f", file);
  assert.match((await run("scale", "deployment/web", "9")).stdout, /web: replicas 9 \(scaled by ann, file says 3\)/);
  assert.equal((await run("diff", "-f", file)).code, 0);
  assert.match((await run("apply", "-f", file)).stdout, /Up to date\.\nweb: replicas 9 \(scaled by ann, file says 3\)/);
  await write("web.yaml", web("demo:1", "a", 4));
  assert.match((await run("diff", "-f", file)).stdout, /~ spec\.replicas: 9 → 4/);
  const reset = JSON.parse((await run("scale", "web", "--reset", "-o", "json")).stdout);
  assert.deepEqual(
    [reset.kind, reset.written, reset.result, reset.plan.deployments[0].replicas],
    ["Change", true, "idle", 3],
  );
  assert.equal((await run("scale", "wbe", "2")).code, 1);
});

test("a count that the file says no more is kept, and nobody is said to have scaled", async (t) => {
  const { run, write } = await desk(t);
  const file = await write("web.yaml", web("demo:1", "a", 2));
  await run("apply", "-f", file);
  await write("web.yaml", web("demo:1", "a").replace(/ *replicas: .*\n/, ""));
  const kept = /web: replicas 2 \(kept from the file's last count\)/;
  const diff = await run("diff", "-f", file);
  assert.match(diff.stdout, /- spec\.replicas: 2/);
  assert.match(diff.stdout, kept);
  assert.match((await run("apply", "-f", file)).stdout, kept);
  const reset = await run("scale", "web", "--reset");
  assert.deepEqual([reset.code, kept.test(reset.stdout)], [0, true]);
  const listed = await Promise.all([run("get"), run("describe", "web")]);
  for (const { stdout } of listed) {
    assert.match(stdout, /2 replicas kept from the file's last count/);
    assert.doesNotMatch(stdout, /scaled/);
  }
});

test("who cannot be told of a change that is written is told that on standard error", async (t) => {
  const { shell, content } = await desk(t);
  const { code, stderr } = await shell('"$0" "$1" deploy web --image demo:1 > /dev/full');
  assert.equal(code, 1);
  assert.match(stderr, /Error: standard output cannot be written/);
  const isWritten = await content().then(
    ({ documents }) => Object.hasOwn(documents, deploymentKey("web")),
    () => false,
  );
  assert.equal(/^The change is written all the same/m.test(stderr), isWritten);
});

test("deploy does what a manifest of the same fields does, and names nothing else", async (t) => {
  const { run, write, content } = await desk(t);
  await run("apply", "-f", await write("other.yaml", web("demo:1", "a").replace("web", "other")));
  const words = ["web", "--image", "demo:1", "--replicas", "3", "--env", "MODE=prod", "--env", "PASSWORD=geheim"];
  const { code, stdout } = await run("deploy", ...words);
  assert.equal(code, 0);
  assert.doesNotMatch(stdout, /geheim|other/);
  const { position } = await content();
  assert.match(
    (await run("apply", "-f", await write("web.yaml", web("demo:1", "geheim")))).stdout,
    /^Up to date\.\nNot in these files, and left alone: other/,
  );
  assert.equal((await content()).position, position);
});

test("delete needs a yes, respects protection, and an apply takes it back", async (t) => {
  const { run, write, content } = await desk(t);
  const file = await write("web.yaml", `${web("demo:1", "a")}  protect: true\n`);
  await run("apply", "-f", file);
  const before = await content();
  const unasked = await run("delete", "web", "--force");
  assert.equal(unasked.code, 2);
  assert.match(unasked.stderr, /--yes/);
  const refused = await run("delete", "web", "--yes", "-o", "json");
  assert.equal(refused.code, 3);
  assert.match(JSON.parse(refused.stdout).error.message, /web is protected/);
  assert.equal((await run("delete", "web", "nobody", "--yes", "--force")).code, 1);
  assert.deepEqual(await content(), before);
  assert.match((await run("delete", "-f", file, "--yes", "--force")).stdout, /No worker runs on this store/);
  assert.match((await run("delete", "-f", file, "--yes")).stdout, /^Being deleted already: web\.$/m);
  assert.equal((await run("scale", "web", "3")).code, 3);
  assert.match((await run("apply", "-f", file)).stdout, /Written: 1 updated/);
  const document = (await content()).documents[deploymentKey("web")] as { deleted?: object };
  assert.equal(document.deleted, undefined);
});

test("applies at once: of one Deployment one wins and the others are told, of different ones all are written", async (t) => {
  const { run, write, content } = await desk(t);
  await run("apply", "-f", await write("web.yaml", web("demo:0", "a")));
  const same = await Promise.all(
    [1, 2, 3].map(async (image) => run("apply", "-f", await write(`${image}.yaml`, web(`demo:${image}`, "a")))),
  );
  // Whoever began after another had written simply comes next.
  for (const { code, stderr } of same) {
    assert.ok(code === 0 || code === 3);
    if (code === 3) assert.match(stderr, /web was changed by ann at .*nothing was written/);
  }
  assert.ok(same.some(({ code }) => code === 0));
  const others = await Promise.all(["a", "b", "c"].map(async (name) => run("deploy", name, "--image", "demo:1")));
  assert.deepEqual(
    others.map(({ code }) => code),
    [0, 0, 0],
  );
  const { documents } = await content();
  assert.equal(Object.keys(documents).filter((key) => key.startsWith("deployments/")).length, 4);
});
