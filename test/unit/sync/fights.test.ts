// How a sync gives way, and does not give up, where somebody else changes what it takes back.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Fights } from "../../../src/sync/fights.ts";

const web = { name: "web", by: "sync on b", at: "then", source: "dir:b:/m" };

/** Corrections at these seconds. */
function fought(...seconds: readonly number[]): Fights {
  const fights = new Fights();
  for (const second of seconds) fights.corrected([web], second * 1_000);
  return fights;
}

test("five corrections in five minutes are at once, the sixth is followed by a pause", () => {
  assert.equal(fought(1, 2, 3, 4, 5).resting(5_001).size, 0);
  const fights = fought(1, 2, 3, 4, 5, 6);
  const why = fights.resting(6_001).get("web") ?? "";
  assert.match(
    why,
    /^web is changed again and again by sync on b for dir:b:\/m, and was taken back 6 times; it rests for 10 s /,
  );
  assert.equal(fights.nextMs(6_001), 9_999);
  assert.equal(fights.resting(16_000).size, 0);
  assert.equal(fights.nextMs(16_000), undefined);
});

test("slips of people that are far apart are no fight", () => {
  assert.equal(fought(0, 100, 200, 301, 402, 503, 604).resting(604_001).size, 0);
});

test("the pauses double up to five minutes, and a fight that has ended is forgotten", () => {
  const fights = fought(1, 2, 3, 4, 5, 6);
  let now = 6_000;
  const pauses: number[] = [];
  for (let turn = 0; turn < 7; turn += 1) {
    const pauseMs = fights.nextMs(now) ?? assert.fail("no pause");
    pauses.push(pauseMs / 1_000);
    now += pauseMs;
    fights.corrected([web], now);
  }
  assert.deepEqual(pauses, [10, 20, 40, 80, 160, 300, 300]);
  now += 300_000 + 300_001;
  fights.corrected([web], now);
  assert.equal(fights.resting(now).size, 0);
});

test("only what is fought about rests", () => {
  const fights = fought(1, 2, 3, 4, 5, 6);
  fights.corrected([{ name: "api" }], 6_500);
  assert.deepEqual([...fights.resting(7_000).keys()], ["web"]);
});
