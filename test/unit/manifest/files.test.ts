// Which files `-f` reads, and which not; what it says about those that it cannot read.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { type LoadOptions, loadManifests, type ReadFile, readManifestFile } from "../../../src/manifest/manifest.ts";
import { isOrchestraError } from "../../../src/model/errors.ts";
import { tempFolder } from "../../support/temp-folder.ts";

/** A folder with these files; a manifest names its Deployment after its file. */
async function folderOf(t: TestContext, ...files: readonly string[]): Promise<string> {
  const folder = await tempFolder(t);
  for (const file of files) {
    mkdirSync(join(folder, file, ".."), { recursive: true });
    writeFileSync(join(folder, file), `name: ${file.replaceAll(/[^a-z0-9]+/g, "-").replace(/^-/, "")}\nimage: demo\n`);
  }
  return folder;
}

/** Names of what is loaded, or the lines of the error, with the folder left out. */
async function outcome(folder: string, paths: readonly string[], options: LoadOptions = {}): Promise<string[]> {
  try {
    const { manifests, warnings } = await loadManifests(paths, options);
    return [
      ...manifests.map(({ spec }) => spec.name),
      ...warnings.map(({ file, message }) => `${file}: ${message}`),
    ].map((line) => line.replace(`${folder}/`, ""));
  } catch (error) {
    if (!isOrchestraError(error, "invalid")) throw error;
    return error.message.replaceAll(folder, "F").split("\n");
  }
}

test("a folder is read with everything below it; dot files and what editors leave are not", async (t) => {
  const skipped = [
    ".hidden.yaml",
    ".git/x.yaml",
    "a.yaml~",
    "#a.yaml#",
    ".a.yaml.swp",
    "a.yaml.bak",
    "a.yaml.orig",
    "notes.txt",
  ];
  const folder = await folderOf(t, "a.yaml", "b.yml", "c.json", "sub/deep/d.yaml", ...skipped);
  writeFileSync(join(folder, "c.json"), '{ "name": "c-json", "image": "demo" }');
  assert.deepEqual(await outcome(folder, [folder]), ["a-yaml", "b-yml", "c-json", "sub-deep-d-yaml"]);
});

test("a file that is named twice, in whatever way, is read once", async (t) => {
  const folder = await folderOf(t, "a.yaml", "b.yaml");
  symlinkSync("a.yaml", join(folder, "z.yaml"));
  const paths = [join(folder, "a.yaml"), folder, join(folder, ".", "a.yaml"), folder, join(folder, "z.yaml")];
  assert.deepEqual(await outcome(folder, paths), ["a-yaml", "b-yaml"]);
});

test("a file whose name is not UTF-8 is an error, and not passed over", async (t) => {
  const folder = await folderOf(t, "a.yaml");
  writeFileSync(
    Buffer.concat([Buffer.from(`${folder}/caf`), Buffer.from([0xe9]), Buffer.from(".yaml")]),
    "name: b\nimage: b\n",
  );
  assert.deepEqual(await outcome(folder, [folder]), ["F/caf\ufffd.yaml: has a name that is not UTF-8; rename it"]);
});

test("links inside the folder are followed, links out of it are not, and rings end", async (t) => {
  const outside = await folderOf(t, "secret.yaml");
  const folder = await folderOf(t, ".data/a.yaml", "sub/b.yaml");
  symlinkSync(".data/a.yaml", join(folder, "a.yaml"));
  symlinkSync(join(outside, "secret.yaml"), join(folder, "out.yaml"));
  symlinkSync(outside, join(folder, "outfolder"));
  symlinkSync("..", join(folder, "sub", "ring"));
  const leadsOut = "is not read: it is a link that leads out of the folder";
  assert.deepEqual(await outcome(folder, [folder]), [
    "data-a-yaml",
    "sub-b-yaml",
    `out.yaml: ${leadsOut}`,
    `outfolder: ${leadsOut}`,
  ]);
});

test("a dangling link is an error, not an absent file", async (t) => {
  const folder = await folderOf(t, "a.yaml");
  symlinkSync("gone.yaml", join(folder, "b.yaml"));
  const told = ["F/b.yaml: is a link to gone.yaml, which does not exist; mend the link or remove it"];
  assert.deepEqual(await outcome(folder, [folder]), told);
  assert.deepEqual(await outcome(folder, [join(folder, "b.yaml")]), told);
});

test("links that lead to each other are told as that", async (t) => {
  const folder = await folderOf(t, "a.yaml");
  symlinkSync("c.yaml", join(folder, "b.yaml"));
  symlinkSync("b.yaml", join(folder, "c.yaml"));
  const told = (name: string) => `F/${name}: is a link that leads to itself; remove the link`;
  assert.deepEqual(await outcome(folder, [folder]), [told("b.yaml"), told("c.yaml")]);
});

test("a dangling link that would not be read anyway is only warned of", async (t) => {
  const folder = await folderOf(t, "a.yaml");
  symlinkSync("/nonexistent", join(folder, "README.md"));
  symlinkSync("gone", join(folder, "sub"));
  symlinkSync("gone", join(folder, ".hidden"));
  assert.deepEqual(await outcome(folder, [folder]), [
    "a-yaml",
    "README.md: is not read: it is a link to /nonexistent, which does not exist",
    "sub: is not read: it is a link to gone, which does not exist",
  ]);
});

test("what is called a manifest and is no file is an error, in a folder too", async (t) => {
  const folder = await folderOf(t, "a.yaml");
  execFileSync("mkfifo", [join(folder, "pipe.yaml"), join(folder, "other")]);
  symlinkSync("pipe.yaml", join(folder, "link.yaml"));
  const told = (name: string) => `F/${name}: is no ordinary file; pipe it to -f -`;
  assert.deepEqual(await outcome(folder, [folder]), [told("link.yaml"), told("pipe.yaml")]);
  assert.deepEqual(await outcome(folder, [join(folder, "pipe.yaml")]), [told("pipe.yaml")]);
});

test("a pipe that has taken a file's place since it was found is not waited for", async (t) => {
  const path = join(await tempFolder(t), "web.yaml");
  execFileSync("mkfifo", [path]);
  const problem = readManifestFile("web.yaml", path);
  assert.ok(!(problem instanceof Uint8Array));
  assert.equal(problem.message, "is no ordinary file");
});

test("standard input is read once, beside files", async (t) => {
  const folder = await folderOf(t, "a.yaml");
  const stdin = (async function* () {
    yield Buffer.from("name: web\nima");
    yield Buffer.from("ge: demo\n");
  })();
  assert.deepEqual(await outcome(folder, ["-", join(folder, "a.yaml"), "-"], { stdin }), ["a-yaml", "web"]);
});

test("errors of all files come in one, sorted, and nothing is loaded", async (t) => {
  const folder = await folderOf(t, "b.yaml", "a.yaml", "good.yaml");
  writeFileSync(join(folder, "b.yaml"), "name: B\nimage: demo\n");
  writeFileSync(join(folder, "a.yaml"), "name: a\nimage: demo\nreplicas: -1\n");
  assert.deepEqual(await outcome(folder, [folder, join(folder, "absent.yaml")]), [
    "F/a.yaml:3:11 replicas: is -1, and must be from 0 to 10000",
    "F/absent.yaml: there is no such file or folder; check the path",
    'F/b.yaml:1:7 name: "B" has upper-case letters, and DNS knows no difference; call it b',
  ]);
});

const unreadable: readonly { name: string; files: readonly string[]; path: string; want: string }[] = [
  {
    name: "an absent path",
    files: [],
    path: "absent",
    want: "F/absent: there is no such file or folder; check the path",
  },
  {
    name: "an empty folder",
    files: [],
    path: ".",
    want: "F/.: has no .yaml, .yml or .json file in it; check the path",
  },
  {
    name: "a folder with other files only",
    files: ["a.txt", ".b.yaml"],
    path: ".",
    want: "F/.: has no .yaml, .yml or .json file in it; check the path",
  },
  {
    name: "a file of another kind",
    files: ["a.txt"],
    path: "a.txt",
    want: "F/a.txt: is not called .yaml, .yml or .json; rename it, or pipe it to -f -",
  },
];
for (const { name, files, path, want } of unreadable) {
  test(`${name} is an error with advice`, async (t) => {
    const folder = await folderOf(t, ...files);
    assert.deepEqual(await outcome(folder, [`${folder}/${path}`]), [want]);
  });
}

test("no path at all is an error with advice", async () => {
  const want = "-f: no manifests are named; name a .yaml, .yml or .json file, a folder, or - for standard input";
  assert.deepEqual(await outcome("no folder", []), [want]);
});

test("a folder that may not be read is an error with advice", async (t) => {
  const folder = await folderOf(t, "sub/a.yaml");
  chmodSync(folder, 0o300);
  // Nothing is closed to root, so root is nobody for a moment.
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65_534);
  try {
    assert.deepEqual(await outcome(folder, [folder]), ["F: may not be read by this user; check its permissions"]);
  } finally {
    if (isRoot) process.seteuid?.(0);
    chmodSync(folder, 0o700);
  }
});

test("of each file that is read the hash of its bytes is told, from a cache, from standard input and where it is wrong too", async (t) => {
  const folder = await folderOf(t, "a.yaml", "b.yaml", "sub/c.yaml");
  writeFileSync(join(folder, "b.yaml"), "nonsense: [");
  writeFileSync(join(folder, "notes.txt"), "");
  const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
  const cacheDir = join(folder, "cache");
  const text = (name: string) => `name: ${name}\nimage: demo\n`;
  for (const _round of [1, 2]) {
    const told: string[] = [];
    async function* stdin() {
      yield Buffer.from("name: piped\n");
      yield "image: demo\n";
    }
    const onRead = ({ file, sha256 }: ReadFile) => told.push(`${file.replace(`${folder}/`, "")} ${sha256}`);
    await outcome(folder, [folder, "-"], { cacheDir, onRead, stdin: stdin() });
    assert.deepEqual(told, [
      `a.yaml ${sha256(text("a-yaml"))}`,
      `b.yaml ${sha256("nonsense: [")}`,
      `sub/c.yaml ${sha256(text("sub-c-yaml"))}`,
      `stdin ${sha256(text("piped"))}`,
    ]);
  }
});
