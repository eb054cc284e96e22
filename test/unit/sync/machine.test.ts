// Whose folder a source is, when several machines have one name.
import assert from "node:assert/strict";
import { test } from "node:test";
import { machineId, type SyncDocument } from "../../../src/model/sync.ts";
import { isCopy, type Machine, machineAfter, whyCopy, whyForeign } from "../../../src/sync/machine.ts";

const document: SyncDocument = {
  source: "dir:vm:/srv/m",
  follows: { kind: "directory", node: "vm", path: "/srv/m" },
  lead: { host: "vm.example.org", address: "10.0.0.5", boot: "b1", pid: 7, since: "T2" },
  machine: { id: "aaa", since: "T1" },
};
const branch: SyncDocument = { ...document, follows: { kind: "git", url: "u", branch: "main", path: "" } };
const first: Machine = { id: "aaa", boot: "b1", isShared: true };
const twin: Machine = { id: "bbb", boot: "b2", isShared: true };
const { machine: _noted, ...unnoted } = branch;

const foreign = [
  { name: "whose it is may lead", document, machine: first, is: false },
  { name: "whoever comes first may lead", document: undefined, machine: twin, is: false },
  { name: "where no machine is noted any may lead", document: unnoted, machine: twin, is: false },
  { name: "another one may not", document, machine: twin, is: true },
  { name: "nor may it when the first has ended", document: ended("T3"), machine: twin, is: true },
  { name: "it may on a store of one machine", document, machine: { ...twin, isShared: false }, is: false },
] as const;
for (const { name, document, machine, is } of foreign) {
  test(name, () => assert.equal(whyForeign(document, machine) !== undefined, is));
}

const copies = [
  {
    name: "the next boot is no copy once the session is over, because then nobody leads",
    document: ended("T3"),
    is: false,
  },
  { name: "another process of this boot is no copy", document, machine: first, is: false },
  { name: "who leads for long from another boot is on another machine", document, is: true },
  { name: "nobody can tell without a boot", document, machine: { id: "aaa", isShared: true }, is: false },
  { name: "another key is no copy", document, machine: twin, is: false },
  {
    name: "on a store of one machine there is none",
    document,
    machine: { ...first, boot: "b2", isShared: false },
    is: false,
  },
] as const;
for (const { name, document, is, ...given } of copies) {
  const machine = "machine" in given ? given.machine : { ...first, boot: "b2" };
  test(name, () => assert.equal(isCopy(whyCopy(document, machine)), is));
}

test("the refusal says which machine, since when, and what to do", () => {
  const { message = "", hint = "" } = whyForeign(ended("T3"), twin) ?? {};
  assert.match(message, /^dir:vm:\/srv\/m is the folder of another machine .*: aaa, since T1; /);
  assert.match(message, /it was led last by vm\.example\.org \(10\.0\.0\.5\) since T2 until T3$/);
  assert.match(hint, /ORCHESTRA_NODE.*ORCHESTRA_STATE_DIR.*handover dir:vm:\/srv\/m --to bbb$/);
  const handed = { ...document, machine: { id: "ccc", since: "T4", by: "ann" } };
  assert.match(whyForeign(handed, first)?.message ?? "", /: ccc, since T4, when ann handed it over; /);
});

test("what is noted stays as long as it is the same machine", () => {
  assert.deepEqual(machineAfter({ id: "aaa", since: "T1", by: "ann" }, first, "T9"), {
    id: "aaa",
    since: "T1",
    by: "ann",
  });
  assert.deepEqual(machineAfter({ id: "aaa", since: "T1" }, twin, "T9"), { id: "bbb", since: "T9" });
  assert.deepEqual(machineAfter(undefined, twin, "T9"), { id: "bbb", since: "T9" });
});

test("an id tells keys apart, and is not the key", () => {
  assert.match(machineId("key"), /^[0-9a-f]{12}$/);
  assert.notEqual(machineId("key"), machineId("kez"));
});

function ended(at: string): SyncDocument {
  return { ...document, lead: { ...document.lead, ended: at } };
}
