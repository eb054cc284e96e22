// Files that are replaced as a whole, also where somebody else may write beside them.
import assert from "node:assert/strict";
import { lstatSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { createFile, replaceFile } from "../../src/durable-file.ts";
import { tempFolder } from "../support/temp-folder.ts";

for (const [name, write] of Object.entries({ replaceFile, createFile })) {
  test(`${name} follows no link that lies where it writes first, and leaves nothing beside the file`, async (t) => {
    const folder = await tempFolder(t);
    const [path, victim] = [join(folder, "plan.json"), join(folder, "victim")];
    writeFileSync(victim, "precious");
    // In a folder that others may write to, the number of a process is easily guessed.
    const guessed = `${path}.${process.pid}.tmp`;
    symlinkSync(victim, guessed);
    await write(path, "plan");
    assert.equal(readFileSync(victim, "utf8"), "precious");
    assert.equal(lstatSync(path).isFile(), true);
    assert.equal(readFileSync(path, "utf8"), "plan");
    assert.equal(lstatSync(path).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder).sort(), ["plan.json", `plan.json.${process.pid}.tmp`, "victim"]);
  });
}

test("writers of one process that come at once each write a whole file", async (t) => {
  const folder = await tempFolder(t);
  const path = join(folder, "state.json");
  const texts = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(10_000));
  await Promise.all(texts.map((text) => replaceFile(path, text)));
  assert.ok(texts.includes(readFileSync(path, "utf8")));
  assert.deepEqual(readdirSync(folder), ["state.json"]);
});

test("of several that create a file one does, and the others leave it", async (t) => {
  const folder = await tempFolder(t);
  const path = join(folder, "identity.json");
  const made = await Promise.all(["a", "b", "c"].map(async (text) => ((await createFile(path, text)) ? text : "")));
  assert.equal(made.join(""), readFileSync(path, "utf8"));
  assert.deepEqual(readdirSync(folder), ["identity.json"]);
});
