// What is too much to read: said once, with what to do, and nothing is loaded.
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileBytesLimit, filesLimit, folderDepthLimit, totalBytesLimit } from "../../../src/manifest/limits.ts";
import { loadManifests } from "../../../src/manifest/manifest.ts";
import { isOrchestraError } from "../../../src/model/errors.ts";
import { tempFolder } from "../../support/temp-folder.ts";

/** How many manifests are loaded, or the lines of the error with the folder left out. */
async function outcome(folder: string): Promise<number | string[]> {
  try {
    return (await loadManifests([folder], {})).manifests.length;
  } catch (error) {
    if (!isOrchestraError(error, "invalid")) throw error;
    return error.message.replaceAll(folder, "F").split("\n");
  }
}

const manifest = (name: string) => `name: ${name}\nimage: demo\n`;

test("folders are read down to the limit of depth, and the one below it is named", async (t) => {
  const folder = await tempFolder(t);
  const deepest = join(folder, ...Array.from({ length: folderDepthLimit }, () => "d"));
  mkdirSync(deepest, { recursive: true });
  writeFileSync(join(deepest, "web.yaml"), manifest("web"));
  assert.equal(await outcome(folder), 1);
  const below = join(deepest, "below");
  mkdirSync(below);
  writeFileSync(join(below, "api.yaml"), manifest("api"));
  const place = below.replace(folder, "F");
  assert.deepEqual(await outcome(folder), [
    `${place}: is more than ${folderDepthLimit} folders deep; name a folder further down`,
  ]);
});

test("files together may have so many bytes, and the one that passes them is named", async (t) => {
  const folder = await tempFolder(t);
  const count = totalBytesLimit / fileBytesLimit;
  const line = `# ${"x".repeat(fileBytesLimit - 100)}\n`;
  for (let at = 0; at < count; at += 1) writeFileSync(join(folder, `${at}.yaml`), line + manifest(`web-${at}`));
  assert.equal(await outcome(folder), count);
  writeFileSync(join(folder, "last.yaml"), line + manifest("last"));
  writeFileSync(join(folder, "more.yaml"), "never: read\n");
  assert.deepEqual(await outcome(folder), [
    `F/last.yaml: is where all files together pass ${totalBytesLimit} bytes; name fewer files`,
  ]);
});

test("a file may have so many bytes", async (t) => {
  const folder = await tempFolder(t);
  const text = manifest("web");
  const file = join(folder, "web.yaml");
  const padding = fileBytesLimit - text.length;
  writeFileSync(file, `${text}#${"x".repeat(padding - 2)}\n`);
  assert.equal(await outcome(folder), 1);
  writeFileSync(file, `${text}#${"x".repeat(padding - 1)}\n`);
  assert.deepEqual(await outcome(folder), [
    `F/web.yaml: has ${fileBytesLimit + 1} bytes, and may have ${fileBytesLimit}; split it`,
  ]);
});

test("of more files than are read none is opened", async (t) => {
  const folder = await tempFolder(t);
  const nameOf = (at: number) => String(at).padStart(5, "0");
  // Had one of them been read, it would be an error of its own.
  for (let at = 0; at < filesLimit + 2; at += 1) writeFileSync(join(folder, `${nameOf(at)}.yaml`), "");
  assert.deepEqual(await outcome(folder), [
    `F/${nameOf(filesLimit)}.yaml: is one more than the ${filesLimit} files that are read; name fewer`,
  ]);
});
