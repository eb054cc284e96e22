// What a person at a terminal answers, on a store where nothing runs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { presenceKey } from "../../../src/model/keys.ts";
import { openStore } from "../../../src/store/open-store.ts";
import { documentsOf, fill, node } from "../../support/builders.ts";
import { openDesk } from "../../support/desk.ts";

const prompt = /\[y\/N\] /;
const ctrlC = "\x03";
const ctrlD = "\x04";

test("only a yes deletes; Enter and Ctrl-D are a no, and Ctrl-C is one that ends as a shell expects", async (t) => {
  const { run, terminal } = await openDesk(t);
  await run("deploy", "web", "--image", "demo:1");
  const answers = [
    { keys: "n\r", code: 0 },
    { keys: "\r", code: 0 },
    { keys: ctrlD, code: 0 },
    { keys: ctrlC, code: 130 },
  ];
  for (const { keys, code } of answers) {
    const seen = await terminal(["delete", "web"], { after: prompt, keys });
    assert.equal(seen.code, code, seen.screen);
    assert.match(seen.screen, /\[y\/N\] .*\r\nNothing was changed\.\r\n$/s);
    assert.doesNotMatch(seen.screen, /Error|Hint/);
  }
  assert.equal((await run("scale", "web", "2")).code, 0, "it is still wanted");
  const yes = await terminal(["delete", "web"], { after: prompt, keys: "y\r" });
  assert.deepEqual([yes.code, /Marked: 1 deleted/.test(yes.screen)], [0, true], yes.screen);
});

test("Ctrl-C at the prompt of nodes forget changes nothing", async (t) => {
  const { storePath, terminal } = await openDesk(t);
  const store = await openStore(`file:${storePath}`, { create: true });
  t.after(() => store.close());
  await fill(store, documentsOf({ nodes: { n2: {} } }));
  const { code, screen } = await terminal(["nodes", "forget", "n2"], { after: prompt, keys: ctrlC });
  assert.equal(code, 130, screen);
  assert.match(screen, /Nothing was changed\.\r\n$/);
  assert.equal((await store.list(["nodes", "controls"])).list("controls").length, 0);
});

test("Ctrl-C while a delete waits ends the waiting only", async (t) => {
  const { storePath, terminal } = await openDesk(t);
  const store = await openStore(`file:${storePath}`, { create: true });
  t.after(() => store.close());
  await fill(store, documentsOf({ deployments: { web: { pods: 1 } } }));
  // A worker that is there and does nothing, so that the wait lasts.
  await store.join(presenceKey("node-1"), { key: node().key, pid: 1, since: "" });
  const { code, screen } = await terminal(
    ["delete", "web"],
    { after: prompt, keys: "y\r" },
    { after: /web: 1 pod left/, keys: ctrlC },
  );
  assert.equal(code, 130, screen);
  assert.match(screen, /Stopped waiting\. What was written stays\./);
  const [found] = (await store.list(["deployments"])).list("deployments");
  assert.ok(found?.value.deleted);
});
