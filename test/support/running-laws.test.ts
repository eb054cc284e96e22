// The laws about what runs and what is answered find what breaks them, and nothing else.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { PodRecord } from "../../src/model/pod.ts";
import { deployment, documentsOf, pod, podId, podsDocument } from "./builders.ts";
import { brokenLaws } from "./history-laws.ts";
import { momentsOf } from "./history-moments.ts";
import { type Ran, runsAgainstHistory } from "./running-laws.ts";
import type { Transaction } from "./zookeeper-history.ts";

const chroot = "/orchestra";

/** Each written a second after the one before, from 1000 on. */
function historyOf(...all: readonly Readonly<Record<string, unknown>>[]): Transaction[] {
  return all.map((documents, index) => ({
    zxid: BigInt(index + 1),
    session: 1n,
    atMs: 1_000 * (index + 1),
    ops: Object.entries(documents).map(([key, value]) => ({
      do: "set",
      path: `${chroot}/${key}`,
      text: JSON.stringify(value),
    })),
  }));
}

const [first, second, third] = [0, 1, 2].map((slot) => pod("web", { slot, id: podId("web", slot + 1) }));
assert.ok(first && second && third);
const wanted = { "deployments/web": deployment({ replicas: 1 }), "pods/web": podsDocument([first]) };
const run = (atMs: number, host: string, ...pods: readonly { id: string }[]): Ran => ({
  atMs,
  host,
  pods: pods.map(({ id }) => id),
});

const cases: readonly { name: string; ran: readonly Ran[]; want: readonly RegExp[] }[] = [
  { name: "what is listed runs once", ran: [run(1_001, "n1", first), run(2_000, "n1")], want: [] },
  {
    name: "a pod on two hosts",
    ran: [run(1_001, "n1", first), run(1_500, "n2", first), run(1_600, "n1")],
    want: [/^pod \w+ runs on n1 and on n2, from 1970-01-01T00:00:01.500Z on$/],
  },
  { name: "a pod that is not listed yet", ran: [run(999, "n1", first)], want: [/runs on n1 and is listed nowhere/] },
  { name: "a pod in the very millisecond of its order", ran: [run(1_000, "n1", first)], want: [] },
];
for (const { name, ran, want } of cases) {
  test(`running: ${name}`, () => {
    const found = [...runsAgainstHistory([...momentsOf(historyOf(wanted), chroot)], ran)];
    assert.equal(found.length, want.length, found.join("\n"));
    for (const [index, text] of want.entries()) assert.match(found[index] ?? "", text);
  });
}

test("running: more than may run, unless somebody has told them to stop", () => {
  const all = [first, second, third];
  const stopping = [first, { ...second, stop: { reason: "scale-down" as const } }, third];
  const runs = [run(1_500, "n1", ...all)];
  const found = (pods: readonly PodRecord[]) => {
    const history = historyOf({ ...wanted, "pods/web": podsDocument(pods) });
    return [...runsAgainstHistory([...momentsOf(history, chroot)], runs)];
  };
  assert.match(found(all).join(), /^3 of pods\/web run and are not told to stop, where 2 may/);
  assert.deepEqual(found(stopping), []);
});

test("names: a Deployment that has answered and falls silent is told, one that is deleted or scaled to none is not", () => {
  const documents = Object.fromEntries(documentsOf({ deployments: { web: { pods: 1 } } }));
  const silent = { "statuses/node-1": { at: "2026-01-02T03:04:05.000Z", statuses: [] } };
  const told = (end: Readonly<Record<string, unknown>>) =>
    brokenLaws(historyOf(documents, { ...silent, ...end }), chroot).filter((text) => /answers for no pod/.test(text));
  assert.deepEqual(told({}), ["web answers for no pod at 2"]);
  assert.deepEqual(told({ "deployments/web": deployment({ replicas: 0 }) }), []);
  const document = documents["deployments/web"] as ReturnType<typeof deployment>;
  assert.deepEqual(told({ "deployments/web": { ...document, deleted: { by: "ann", at: "x" } } }), []);
});
