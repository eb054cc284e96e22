// Bad inputs at the command line: every one ends with its exit code and a located message, and nothing is written.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, test } from "node:test";
import { openDesk } from "../../support/desk.ts";

const head = "apiVersion: orchestra/v1\nkind: Deployment\nmetadata: { name: web }\n";
const spec = (fields: string) => `${head}spec: { image: demo:1, ${fields} }\n`;
const named = (name: string) => `${head.replace("name: web", `name: ${name}`)}spec: { image: demo:1 }\n`;
const deep = (levels: number) => `${head}spec: { image: demo:1, env: ${"[".repeat(levels)}${"]".repeat(levels)} }\n`;
/** A few hundred bytes that stand for nine to the power of eight strings. */
const bomb = [
  `${head}spec:\n  image: demo:1\n  env:\n    A0: &a0 [x,x,x,x,x,x,x,x,x]`,
  ...Array.from({ length: 7 }, (_, level) => `    A${level + 1}: &a${level + 1} [${`*a${level},`.repeat(9)}]`),
].join("\n");

/** `says`: the message, after the file's name, line and column. */
const files: readonly { readonly name: string; readonly text: string | Uint8Array; readonly says: RegExp }[] = [
  { name: "an empty file", text: "", says: /nothing|empty|no / },
  { name: "only comments", text: "# nothing\n", says: /nothing|empty|no / },
  { name: "a broken second document", text: `${spec("replicas: 1")}---\n: [\n`, says: /:\d+:\d+/ },
  { name: "a duplicate key", text: `${head}spec:\n  image: a\n  image: b\n`, says: /:6:3.*image/ },
  { name: "a tab", text: `${head}spec:\n\timage: a\n`, says: /:5:\d+.*tab/i },
  { name: "UTF-16", text: Buffer.from(`\ufeff${spec("replicas: 1")}`, "utf16le"), says: /UTF-/ },
  { name: "invalid UTF-8", text: Buffer.from([0x61, 0x3a, 0xff, 0xfe, 0x0a]), says: /UTF-/ },
  { name: "a NUL byte", text: spec("env: { A: 'a\0b' }"), says: /NUL|control/i },
  { name: "an alias bomb", text: bomb, says: /:10:\d+ spec\.env\.A3\[0\]: .*too large once its aliases/ },
  { name: "20,000 levels", text: deep(20_000), says: /deep|level/ },
  {
    name: "__proto__ as a key",
    text: `${head}spec: { image: demo:1, __proto__: { a: b } }\n`,
    says: /:4:\d+.*__proto__/,
  },
  { name: "__proto__ as a name", text: named("__proto__"), says: /:3:\d+/ },
  { name: "an unknown tag", text: `${head}spec: { image: !mine demo:1 }\n`, says: /:4:\d+.*tag/ },
  { name: ".inf replicas", text: spec("replicas: .inf"), says: /:4:\d+/ },
  { name: "2^53+1 replicas", text: spec("replicas: 9007199254740993"), says: /:4:\d+/ },
  { name: "-1 replicas", text: spec("replicas: -1"), says: /:4:\d+ spec\.replicas/ },
  { name: "1.5 replicas", text: spec("replicas: 1.5"), says: /:4:\d+ spec\.replicas/ },
  { name: "replicas as text", text: spec('replicas: "3"'), says: /:4:\d+ spec\.replicas/ },
  { name: "1e9 replicas", text: spec("replicas: 1e9"), says: /:4:\d+ spec\.replicas/ },
  { name: "port 0", text: spec("ports: [{ containerPort: 0 }]"), says: /:4:\d+ spec\.ports\[0\]/ },
  { name: "port 65536", text: spec("ports: [{ containerPort: 65536 }]"), says: /:4:\d+ spec\.ports\[0\]/ },
  {
    name: "a port twice",
    text: spec("ports: [{ containerPort: 80 }, { containerPort: 80 }]"),
    says: /:4:\d+ spec\.ports\[1\]/,
  },
  { name: "memory 128mb", text: spec("resources: { memory: 128mb }"), says: /:4:\d+ spec\.resources\.memory/ },
  { name: "memory -1Gi", text: spec("resources: { memory: -1Gi }"), says: /:4:\d+ spec\.resources\.memory/ },
  { name: "memory 0", text: spec("resources: { memory: 0 }"), says: /:4:\d+ spec\.resources\.memory/ },
  { name: "a misspelt field", text: spec("replica: 3"), says: /:4:\d+.*replica.*did you mean.*replicas/ },
  { name: "an unknown field", text: spec("zzz: 3"), says: /:4:\d+.*zzz/ },
  {
    name: "a wrong apiVersion",
    text: spec("replicas: 1").replace("orchestra/v1", "apps/v1"),
    says: /:1:\d+ apiVersion/,
  },
  { name: "a wrong kind", text: spec("replicas: 1").replace("Deployment", "Pod"), says: /:2:\d+ kind/ },
  { name: "an upper-case name", text: named("Web"), says: /:3:\d+ metadata\.name/ },
  { name: "a name of 64 characters", text: named("a".repeat(64)), says: /:3:\d+ metadata\.name/ },
  { name: "a name with dots", text: named("a.b"), says: /:3:\d+ metadata\.name/ },
  { name: "a name with slashes", text: named("a/../b"), says: /:3:\d+ metadata\.name/ },
  { name: "a name with a newline", text: named('"a\\nb"'), says: /:3:\d+ metadata\.name/ },
  { name: "an empty image", text: `${head}spec: { image: "" }\n`, says: /:4:\d+ spec\.image/ },
  { name: "an image with spaces", text: `${head}spec: { image: "a b" }\n`, says: /:4:\d+ spec\.image/ },
  { name: "no image", text: `${head}spec: { replicas: 1 }\n`, says: /:4:\d+ spec.*image/ },
  { name: "an unquoted number in env", text: spec("env: { A: 1 }"), says: /:4:\d+ spec\.env\.A.*quote/ },
];

test("apply names every mistake of every file with its place, ends with 2 and writes nothing", async (t) => {
  const { folder, storePath, run } = await openDesk(t);
  const manifests = join(folder, "manifests");
  await mkdir(manifests);
  await writeFile(join(manifests, "good.yaml"), named("good"));
  for (const [index, { text }] of files.entries()) await writeFile(join(manifests, `${index}.yaml`), text);
  const { code, stdout, stderr } = await run("apply", "-f", manifests);
  for (const [index, { name, says }] of files.entries()) {
    const told = stderr.split("\n").filter((line) => line.includes(`manifests/${index}.yaml`));
    assert.match(told.join("\n"), says, name);
  }
  assert.doesNotMatch(stderr, /good\.yaml/);
  assert.deepEqual({ code, stdout, store: existsSync(storePath) }, { code: 2, stdout: "", store: false });
});

test("one bad file among good ones is enough", async (t) => {
  const { folder, storePath, run } = await openDesk(t);
  await writeFile(join(folder, "good.yaml"), named("good"));
  await writeFile(join(folder, "web.yaml"), spec("replicas: -1"));
  const { code } = await run("apply", "-f", join(folder, "good.yaml"), "-f", join(folder, "web.yaml"));
  assert.deepEqual({ code, store: existsSync(storePath) }, { code: 2, store: false });
});

const lines: readonly { readonly words: readonly string[]; readonly code?: number; readonly says: RegExp }[] = [
  { words: ["apply"], says: /file/ },
  { words: ["apply", "-f"], says: /-f|file/ },
  { words: ["apply", "-f", "/nowhere/web.yaml"], says: /\/nowhere\/web\.yaml/ },
  { words: ["apply", "-f", "FOLDER"], says: /manifest|empty|nothing/i },
  { words: ["apply", "-f", "FOLDER", "--wiat"], says: /unknown flag --wiat.*\n.*--wait/ },
  { words: ["apply", "-f", "FOLDER", "--timeout", "soon"], says: /--timeout: "soon" is not a duration/ },
  { words: ["apply", "-f", "FOLDER", "-o", "xml"], says: /xml/ },
  { words: ["diff", "-f", "/nowhere"], says: /\/nowhere/ },
  { words: ["deploy", "web"], says: /image/ },
  { words: ["deploy", "Web", "--image", "demo:1"], says: /metadata\.name/ },
  { words: ["deploy", "web", "--image", "demo:1", "--replicas", "many"], says: /--replicas: "many"/ },
  { words: ["deploy", "web", "--image", "demo:1", "--env", "hunter2"], says: /--env needs a name and a value/ },
  { words: ["deploy", "pod/web", "--image", "demo:1"], says: /pod\/web/ },
  { words: ["deploy", "web", "--image", "demo:1", "--port", "x"], says: /--port: "x" is not a port/ },
  { words: ["exec", "-it", "web-0", "ls", "-l"], says: /after --\n.*orchestra exec -it web-0 -- ls -l/ },
  { words: ["scale", "web"], says: /needs a count/ },
  { words: ["scale", "web", "3", "--reset"], says: /more than one/ },
  { words: ["scale", "web", "-1"], says: /-1/ },
  { words: ["scale", "web", "100000"], says: /100000/ },
  { words: ["scale", "web", "3"], code: 1, says: /store/ },
  { words: ["delete"], says: /named/ },
  { words: ["delete", "web", "--yes"], code: 1, says: /store/ },
];

suite("command lines that are refused", { concurrency: 2 }, () => {
  for (const { words, code: want = 2, says } of lines) {
    test(words.join(" "), async (t) => {
      const { folder, run } = await openDesk(t);
      const empty = join(folder, "empty");
      await mkdir(empty);
      const { code, stdout, stderr } = await run(...words.map((word) => (word === "FOLDER" ? empty : word)));
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /hunter2|\n {4}at /);
      assert.deepEqual(
        { code, stdout, left: (await readdir(folder)).filter((name) => name === "state") },
        { code: want, stdout: "", left: [] },
      );
    });
  }
});

test("with -o json a refusal is JSON too, with every problem and its place", async (t) => {
  const { folder, run } = await openDesk(t);
  await writeFile(join(folder, "web.yaml"), spec("replicas: -1, zzz: 1"));
  for (const command of ["validate", "diff", "apply"]) {
    const { code, stdout, stderr } = await run(command, "-f", join(folder, "web.yaml"), "-o", "json");
    const { error } = JSON.parse(stdout);
    assert.deepEqual([code, stderr, error.code, error.details.errors.length], [2, "", "invalid", 2]);
    assert.equal(error.details.errors[0].line, 4);
  }
});
