// How long an engine that is silent is waited for, and what is told of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLog } from "../../../src/log.ts";
import { OrchestraError } from "../../../src/model/errors.ts";
import { Trouble } from "../../../src/trouble.ts";
import { newMemory } from "../../../src/worker/history.ts";
import { openMemory } from "../../../src/worker/memory.ts";
import type { NodeSetup } from "../../../src/worker/node-setup.ts";
import { openPicture } from "../../../src/worker/picture.ts";
import type { ContainerState } from "../../../src/worker/runtime.ts";
import { PodTable } from "../../../src/worker/table.ts";
import { fakeClock } from "../../support/fake-clock.ts";

const relistMs = 60_000;
const { signal } = new AbortController();

/** A picture of an engine whose listings a test answers one by one. */
function asked() {
  const clock = fakeClock();
  const waiting: { answer(): void; fail(error: Error): void }[] = [];
  const said: string[] = [];
  let woken = 0;
  const runtime = Object.assign(openMemory(new Map(), clock), {
    list: () =>
      new Promise<ContainerState[]>((resolve, reject) => {
        waiting.push({ answer: () => resolve([]), fail: reject });
      }),
  });
  const log = {
    ...silentLog,
    warn: (text: string) => void said.push(text),
    info: (text: string) => void said.push(text),
  };
  const picture = openPicture({
    runtime,
    table: new PodTable({ recall: () => newMemory, sinceOf: () => 0, onCrash: () => {} }),
    setup: { prepare: async () => {} } as unknown as NodeSetup,
    clock,
    trouble: new Trouble({ clock, log, words: { begins: "silent", lasts: "still", ends: "again" } }),
    wake: () => {
      woken += 1;
    },
  });
  /** Looks, and lets `ms` pass meanwhile. */
  const look = async (ms = 0) => {
    const sight = picture.refresh(relistMs, signal);
    await clock.advance(ms);
    return sight;
  };
  const next = () => waiting.shift() ?? assert.fail("nothing was asked");
  return { clock, picture, look, next, waiting, said, woken: () => woken };
}

test("a listing that hangs holds a pass up for a moment only, is silence after ten seconds, and wakes at its end", async () => {
  const { clock, look, next, waiting, woken } = asked();
  const first = await look(250);
  assert.deepEqual(first, { hasListed: false, answers: false, nextAt: 10_000 });
  assert.deepEqual(await look(), first, "no second listing, and no waiting");
  assert.equal(waiting.length, 1);
  await clock.advance(9_750);
  const reason = "Docker does not list its containers; see the engine's log (journalctl -u docker)";
  assert.deepEqual((await look()).silence, { since: "2026-01-02T03:04:05.000Z", reason });
  next().answer();
  await clock.advance(0);
  assert.equal(woken(), 1);
  assert.deepEqual(await look(), { hasListed: true, answers: true, nextAt: 70_000 });
});

test("a listing that fails is tried again with growing pauses, is silence at once, and is spoken of once", async () => {
  const { clock, look, next, waiting, said } = asked();
  const gone = () => new OrchestraError("unavailable", "connect ENOENT", { hint: "start it" });
  const failing = look(0);
  await clock.advance(0);
  next().fail(gone());
  const { silence, answers, nextAt } = await failing;
  assert.deepEqual([answers, silence?.reason, nextAt], [false, "connect ENOENT; start it", 100]);
  await look();
  assert.equal(waiting.length, 0, "not before its time");
  await clock.advance(100);
  const again = look();
  await clock.advance(0);
  next().fail(gone());
  assert.deepEqual([(await again).nextAt, (await again).silence], [300, silence]);
  await clock.advance(200);
  const back = look();
  await clock.advance(0);
  next().answer();
  const sight = await back;
  assert.deepEqual([sight.answers, sight.silence, sight.nextAt], [true, undefined, 10_100]);
  assert.deepEqual(said, ["silent"]);
  await clock.advance(9_800);
  assert.equal((await look()).nextAt, 60_300);
  assert.deepEqual(said, ["silent", "again"]);
});
