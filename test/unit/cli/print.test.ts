import assert from "node:assert/strict";
import { test } from "node:test";
import { age, duration, maskTemplate, oneLine, table, yaml } from "../../../src/cli/print.ts";
import { openProgress } from "../../../src/cli/progress.ts";
import { fit, width } from "../../../src/cli/width.ts";
import { fakeClock } from "../../support/fake-clock.ts";

test("columns are as wide as their widest cell, also with wide characters, and nothing trails", () => {
  const columns = [
    { header: "NAME", cell: (row: string[]) => row[0] ?? "" },
    { header: "WIDE", cell: (row: string[]) => row[1] ?? "", wide: true as const },
    { header: "STATUS", cell: (row: string[]) => ({ text: row[2] ?? "", tone: "good" as const }) },
  ];
  const rows = [
    ["a", "1", "ready"],
    ["日本", "2", ""],
  ];
  assert.equal(table(columns, rows, { colour: false }), "NAME   STATUS\na      ready\n日本   -");
  assert.equal(
    table(columns, rows.slice(0, 1), { colour: false, wide: true }),
    "NAME   WIDE   STATUS\na      1      ready",
  );
  assert.equal(table(columns, rows.slice(0, 1), { colour: true, header: false }), "a   \x1b[32mready\x1b[39m");
});

test("text from a container cannot move the cursor or break a row", () => {
  assert.equal(oneLine("a\r\n  b\x1b[2Jc\u009bd"), "a b�[2Jc�d");
  assert.equal(oneLine("demo:1\u202e2:omed\u2066"), "demo:1�2:omed�");
});

const widths: readonly [string, number][] = [
  ["web-0", 5],
  ["日本", 4],
  ["e\u0301", 1],
  ["🚀 up", 5],
  ["ｆｕｌｌ", 8],
  ["한국", 4],
  ["… – é", 5],
  ["\x1b[31mred\x1b[39m", 3],
];
for (const [text, want] of widths) test(`${text} takes ${want} columns`, () => assert.equal(width(text), want));

test("a text is cut to the columns there are", () => {
  assert.equal(fit("abcdef", 6), "abcdef");
  assert.equal(fit("abcdef", 5), "abcd…");
  assert.equal(fit("日本語", 5), "日本…");
  assert.equal(fit("\x1b[31mabcdef\x1b[39m", 4), "abc…");
});

const durations: readonly [number, string][] = [
  [-5_000, "0s"],
  [45_999, "45s"],
  [119_000, "119s"],
  [180_000, "3m"],
  [2 * 3_600_000, "2h"],
  [12 * 86_400_000, "12d"],
];
for (const [ms, want] of durations) test(`${ms} ms is ${want}`, () => assert.equal(duration(ms), want));
test("no time has no age", () => assert.equal(age(undefined, 0), "-"));

test("values of the environment and of probes' headers are masked unless they are asked for; names stay", () => {
  const probe = (value: string) => ({ http: { port: 80, headers: { Authorization: value } }, periodSeconds: 2 });
  const template = {
    image: "a",
    env: { PASSWORD: "geheim" },
    readiness: probe("Bearer 1"),
    liveness: probe("Bearer 2"),
  };
  assert.deepEqual(maskTemplate(template, false), {
    image: "a",
    env: { PASSWORD: "***" },
    readiness: probe("***"),
    liveness: probe("***"),
  });
  assert.equal(maskTemplate(template, true), template);
});

test("YAML says the same as JSON, with no anchors for what occurs twice", async () => {
  const shared = { a: "yes", b: "0777" };
  const text = await yaml({ first: shared, second: shared });
  assert.equal(text, 'first:\n  a: yes\n  b: "0777"\nsecond:\n  a: yes\n  b: "0777"');
});

function screen(isTTY: boolean, rows = 10) {
  const written: string[] = [];
  return { written, isTTY, columns: 12, rows, write: (text: string) => written.push(text) };
}

test("elsewhere than on a terminal only a changed line is printed", () => {
  const out = screen(false);
  const progress = openProgress(out);
  progress.show([
    { key: "web", text: "web 1/2" },
    { key: "api", text: "api 0/1" },
  ]);
  progress.show([
    { key: "web", text: "web 2/2" },
    { key: "api", text: "api 0/1" },
  ]);
  progress.end();
  assert.deepEqual(out.written, ["web 1/2\n", "api 0/1\n", "web 2/2\n"]);
});

test("elsewhere a reason is said once: at once what is wrong, and what may pass only when it has lasted", async () => {
  const out = screen(false);
  const clock = fakeClock();
  const progress = openProgress(out, clock);
  const show = (text: string, reason?: string, passing = true) =>
    progress.show([{ key: "web", text, ...(reason === undefined ? {} : { reason: { text: reason, passing } }) }]);
  const said = () => out.written.splice(0).join("");
  show("web 0/2", "not listening");
  await clock.advance(2_000);
  show("web 1/2");
  show("web 1/2", "no answer");
  await clock.advance(2_999);
  assert.equal(said(), "web 0/2\nweb 1/2\n");
  await clock.advance(1);
  show("web 1/2", "no answer");
  assert.equal(said(), "web 1/2; no answer\n");
  show("web 0/2", "exit 1", false);
  show("web 1/2", "exit 1", false);
  show("web 1/2", "exit 2", false);
  show("web 1/2", "exit 1", false);
  assert.equal(said(), "web 0/2; exit 1\nweb 1/2\nweb 1/2; exit 2\n");
  show("web 1/2", "slow");
  progress.end();
  assert.equal(clock.waiting(), 0);
});

test("on a terminal lines are drawn in place, cut to its width and counted beyond its height", () => {
  const out = screen(true, 3);
  const progress = openProgress(out);
  progress.show([{ key: "a", text: "a line that is too long" }]);
  progress.show([{ key: "a", text: "a line that is too long" }]);
  progress.show(["a", "b", "c"].map((key) => ({ key, text: key })));
  assert.deepEqual(out.written, ["a line tha…\x1b[K\n\x1b[J", "\x1b[1Aa\x1b[K\n… and 2 more\x1b[K\n\x1b[J"]);
});

test("a terminal that says it has no columns is taken to have the usual ones", () => {
  const written: string[] = [];
  const progress = openProgress({ isTTY: true, columns: 0, rows: 0, write: (text) => written.push(text) });
  progress.show([{ key: "a", text: "web: 1 of 2 ready" }]);
  assert.deepEqual(written, ["web: 1 of 2 ready\x1b[K\n\x1b[J"]);
});
