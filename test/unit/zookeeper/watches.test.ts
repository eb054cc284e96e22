// Who is told of what, and what is set again on a new connection.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { Paths } from "../../../src/zookeeper/paths.ts";
import { Reader } from "../../../src/zookeeper/reader.ts";
import type { WatchEvent, WatchMode } from "../../../src/zookeeper/records.ts";
import { Watches } from "../../../src/zookeeper/watches.ts";
import { fakeFrame } from "../../support/fake-zookeeper.ts";
import { rounds, seed } from "../../support/rounds.ts";

const anyPath = fc.array(fc.constantFrom("a", "b", "ab"), { maxLength: 4 }).map((segments) => `/${segments.join("/")}`);

/** What the server does with requests is not asked for here: it takes them all. */
function watchesBelow(chroot: string): Watches {
  return new Watches(new Paths(chroot, undefined), () => Promise.resolve());
}

test("a persistent watch hears of its node, a recursive one of everything below, too", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.record({ path: anyPath, mode: fc.constantFrom<WatchMode>("persistent", "recursive") }), {
        selector: ({ path }) => path,
      }),
      anyPath,
      fc.constantFrom("", "/root"),
      async (watched, changed, chroot) => {
        const watches = watchesBelow(chroot);
        const told: string[] = [];
        for (const { path, mode } of watched)
          await watches.add(path, mode, (event) => told.push(`${path} ${event.path}`));
        watches.dispatch(3, new Paths(chroot, undefined).full(changed));
        const isBelow = (path: string) => path === "/" || changed.startsWith(`${path}/`);
        const wanted = watched.filter(({ path, mode }) => path === changed || (mode === "recursive" && isBelow(path)));
        assert.deepEqual(told.sort(), wanted.map(({ path }) => `${path} ${changed}`).sort());
      },
    ),
    { numRuns: rounds * 10, seed },
  );
});

test("kinds of events that mean nothing here are left out, and so is what lies outside the chroot", async () => {
  const watches = watchesBelow("/root");
  const events: WatchEvent[] = [];
  await watches.add("/", "recursive", (event) => events.push(event));
  for (const type of [-1, 0, 5, 6, 7]) watches.dispatch(type, "/root/a");
  watches.dispatch(1, "/elsewhere");
  watches.dispatch(2, "/root/a");
  assert.deepEqual(events, [{ type: "deleted", path: "/a" }]);
});

test("a list of children is told to the persistent watch that asked for it, and to no recursive one", async () => {
  const watches = watchesBelow("");
  const told: string[] = [];
  for (const path of ["/", "/a/b"]) await watches.add(path, "recursive", () => assert.fail(path));
  await watches.add("/a", "persistent", ({ type, path }) => told.push(`${type} ${path}`));
  for (const path of ["/a", "/a/b", "/c"]) watches.dispatch(4, path);
  assert.deepEqual(told, ["children /a"]);
});

test("several listeners share the server's watch, and the last one ends it", async () => {
  const sent: number[] = [];
  const watches = new Watches(new Paths("", undefined), async ({ type }) => void sent.push(type));
  const heard: string[] = [];
  const first = await watches.add("/a", "persistent", () => heard.push("first"));
  const second = await watches.add("/a", "persistent", () => heard.push("second"));
  watches.dispatch(3, "/a");
  await first.remove();
  watches.dispatch(3, "/a");
  await Promise.all([second.remove(), second.remove()]);
  watches.dispatch(3, "/a");
  assert.deepEqual(heard, ["first", "second", "second"]);
  assert.deepEqual(sent, [106, 18]);
  assert.deepEqual(watches.bodies(0n), []);
});

test("a second mode for the same path is refused, because the server would replace the first", async () => {
  const watches = watchesBelow("");
  await watches.add("/a", "persistent", () => {});
  await assert.rejects(
    watches.add("/a", "recursive", () => {}),
    { code: "bad-arguments", path: "/a" },
  );
});

test("a watch that the server refuses is forgotten", async () => {
  const watches = new Watches(new Paths("", undefined), () => Promise.reject(new Error("no")));
  await assert.rejects(watches.add("/a", "persistent", () => assert.fail("told")));
  watches.dispatch(3, "/a");
  assert.deepEqual(watches.bodies(0n), []);
});

test("all watches are set again, in requests of at most 128 KiB", async () => {
  const watches = watchesBelow("/root");
  const modes = new Map<string, WatchMode>();
  for (let index = 0; index < 5_000; index++) {
    const path = `/${"n".repeat(60)}${index}`;
    modes.set(`/root${path}`, index % 3 === 0 ? "persistent" : "recursive");
    await watches.add(path, modes.get(`/root${path}`) as WatchMode, () => {});
  }
  const bodies = watches.bodies(77n).map((write) => fakeFrame(write));
  assert.ok(bodies.length >= 3);
  const found = new Map<string, WatchMode>();
  for (const body of bodies) {
    assert.ok(body.length <= 128 * 1024 + 64, `${body.length}`);
    const reader = new Reader();
    reader.open(body, 4, body.length);
    assert.equal(reader.long(), 77n);
    for (let kind = 0; kind < 3; kind++) assert.equal(reader.int(), 0);
    for (const mode of ["persistent", "recursive"] as const) {
      for (const path of reader.vector(() => reader.string())) found.set(path, mode);
    }
    assert.equal(reader.remaining, 0);
  }
  assert.deepEqual(found, modes);
});
