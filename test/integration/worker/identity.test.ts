// Who a machine is: kept in its state folder, which must not make two machines of one.
import assert from "node:assert/strict";
import { cpSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { nodeIdentity } from "../../../src/worker/identity.ts";
import { tempFolder } from "../../support/temp-folder.ts";

/** A machine as it shows itself in files: its own number, and that it was booted. */
async function machines(t: Parameters<typeof tempFolder>[0]) {
  const folder = await tempFolder(t);
  const machine = (id: string, boot = `boot of ${id}`) => {
    const places = { machineId: join(folder, `${id}.id`), transientId: join(folder, "none"), boot: join(folder, boot) };
    writeFileSync(places.machineId, `${id}\n`);
    writeFileSync(places.boot, `${boot}\n`);
    return places;
  };
  return { folder, stateDir: join(folder, "state"), machine };
}

const first = "3d1219c7c4c5404aaa1f6d2a48adfda4";
const other = "00000000000000000000000000000001";

test("name, key and place stay as they are while machine, boot and folder do", async (t) => {
  const { stateDir, machine } = await machines(t);
  const before = await nodeIdentity({ stateDir, wanted: "n1", isShared: true, machine: machine(first) });
  assert.equal(before.node, "n1");
  assert.match(before.place ?? "", /^[0-9a-f]{32}$/);
  assert.deepEqual(
    await nodeIdentity({ stateDir, wanted: undefined, isShared: true, machine: machine(first) }),
    before,
  );
  assert.ok(!readFileSync(join(stateDir, "machine"), "utf8").includes(first), "the machine's number stays its own");
  assert.equal(statSync(join(stateDir, "machine")).mode & 0o777, 0o600);
});

test("another boot, or another folder on this machine, is another place for the same node", async (t) => {
  const { folder, stateDir, machine } = await machines(t);
  const before = await nodeIdentity({ stateDir, wanted: "n1", isShared: true, machine: machine(first) });
  const booted = await nodeIdentity({ stateDir, wanted: "n1", isShared: true, machine: machine(first, "next") });
  cpSync(stateDir, join(folder, "copy"), { recursive: true });
  const copied = { stateDir: join(folder, "copy"), wanted: "n1", isShared: true, machine: machine(first) };
  const beside = await nodeIdentity(copied);
  for (const { node, key } of [booted, beside]) assert.deepEqual({ node, key }, { node: "n1", key: before.key });
  assert.equal(new Set([before.place, booted.place, beside.place]).size, 3);
  assert.notEqual(booted.boot, before.boot);
  assert.equal(beside.boot, before.boot);
});

test("a state folder of another machine is refused until somebody says whose it is", async (t) => {
  const { stateDir, machine } = await machines(t);
  const made = await nodeIdentity({ stateDir, wanted: "n1", isShared: true, machine: machine(first) });
  const here = { stateDir, wanted: undefined, isShared: true, machine: machine(other) };
  await assert.rejects(nodeIdentity(here), (error: Error & { code?: string; hint?: string }) => {
    assert.equal(error.code, "conflict");
    assert.match(error.message, /state folder .* \(node n1\) was made on another machine/);
    assert.ok(error.hint?.includes(`delete the folder ${stateDir} `), error.hint);
    assert.ok(error.hint?.includes(join(stateDir, "machine")), error.hint);
    return true;
  });
  // A store of its own has no other machines that it could be mistaken for.
  assert.equal((await nodeIdentity({ ...here, isShared: false })).key, made.key);
  rmSync(join(stateDir, "machine"));
  assert.equal((await nodeIdentity(here)).key, made.key, "a new system under the old folder");
  await assert.rejects(nodeIdentity({ ...here, machine: machine(first) }), { code: "conflict" });
});

const without = [
  { name: "no number", text: undefined },
  { name: "an empty number, as images have it", text: "" },
  { name: "a number that is still to be made", text: "uninitialized\n" },
  { name: "a number of this boot only", text: `${other}\n`, transient: true },
];
for (const { name, text, transient = false } of without) {
  test(`a machine with ${name} is not told from others by it`, async (t) => {
    const { stateDir, machine } = await machines(t);
    const made = await nodeIdentity({ stateDir, wanted: "n1", isShared: true, machine: machine(first) });
    const places = machine("bare");
    if (text === undefined) rmSync(places.machineId);
    else writeFileSync(places.machineId, text);
    const now = transient ? { ...places, transientId: places.machineId } : places;
    assert.equal((await nodeIdentity({ stateDir, wanted: "n1", isShared: true, machine: now })).key, made.key);
    rmSync(join(stateDir, "machine"));
    await nodeIdentity({ stateDir, wanted: "n1", isShared: true, machine: now });
    assert.equal(existsSync(join(stateDir, "machine")), false, "nothing is noted that means nothing");
  });
}

test("where no boot is told there is no place", async (t) => {
  const { stateDir, machine } = await machines(t);
  const places = { ...machine(first), boot: join(stateDir, "none") };
  assert.equal((await nodeIdentity({ stateDir, wanted: "n1", isShared: true, machine: places })).place, undefined);
});
