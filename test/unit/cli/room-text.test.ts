import assert from "node:assert/strict";
import { test } from "node:test";
import { roomText } from "../../../src/cli/change/room-text.ts";

const mebibyte = 1024 ** 2;
const free = (cpuMilli: number, memoryBytes: number, pods: number) => ({ cpuMilli, memoryBytes, pods });

test("free room: what changes on each node, and nothing of nodes on which nothing is reserved", () => {
  const nodes = [
    { name: "n1", before: free(3_500, 300 * mebibyte + 5, 2), after: free(3_000, 200 * mebibyte + 5, 3) },
    { name: "n2", before: free(1_000, mebibyte, 2), after: free(1_250, mebibyte, 2) },
    { name: "n3", before: free(1_000, mebibyte, 2), after: free(1_000, mebibyte, 5) },
  ];
  const want = ["Free room:", "  n1: cpu 3500m → 3, memory 300Mi → 200Mi, pods 2 → 3", "  n2: cpu 1 → 1250m"];
  assert.equal(roomText(nodes), want.join("\n"));
  assert.equal(roomText(nodes.slice(2)), "");
});

test("of many nodes the first are shown and the rest is counted", () => {
  const nodes = Array.from({ length: 12 }, (_, index) => ({
    name: `n${index}`,
    before: free(1_000, 0, 0),
    after: free(0, 0, 1),
  }));
  const lines = roomText(nodes).split("\n");
  assert.equal(lines.length, 12);
  assert.equal(lines.at(-1), "  and 2 more nodes (-o json names all)");
});
