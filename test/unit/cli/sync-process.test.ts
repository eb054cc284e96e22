// Whether the process of a sync is known to run here.
import assert from "node:assert/strict";
import { hostname } from "node:os";
import { test } from "node:test";
import { runs } from "../../../src/cli/sync/sync-process.ts";

const here = { host: hostname(), address: "127.0.0.1", pid: process.pid, since: "" };
/** Larger than any that Linux gives. */
const noPid = 2 ** 22 + 1;

for (const { name, lead, want } of [
  { name: "one of this machine runs", lead: here, want: true },
  { name: "one of this machine was killed", lead: { ...here, pid: noPid }, want: false },
  { name: "of another machine nothing is known", lead: { ...here, host: "elsewhere.invalid" }, want: undefined },
  {
    name: "nor of one that is called as this one is",
    lead: { ...here, address: "240.0.0.1", pid: noPid },
    want: undefined,
  },
]) {
  test(name, () => assert.equal(runs(lead), want));
}
