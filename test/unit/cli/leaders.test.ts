// Whether a sync is led from this machine.
import assert from "node:assert/strict";
import { hostname } from "node:os";
import { test } from "node:test";
import { isHere } from "../../../src/cli/sync/leaders.ts";

const here = { host: hostname(), address: "127.0.0.1", pid: process.pid, since: "" };

for (const { name, lead, want } of [
  { name: "one of this machine is", lead: here, want: true },
  { name: "one of another machine is not", lead: { ...here, host: "elsewhere.invalid" }, want: false },
  { name: "nor one of a machine that is called as this one is", lead: { ...here, address: "240.0.0.1" }, want: false },
]) {
  test(name, () => assert.equal(isHere(lead), want));
}
