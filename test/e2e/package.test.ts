// What users install: packed, installed without any registry, and run without our node_modules.
import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readFile, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { execute } from "../support/cluster.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const packed = ["bin", "src", "scripts", "schemas", "Corefile", "LICENSE", "package.json"];
/** Makes the program believe that it runs on an older Node, whatever this machine has. */
const oldNode =
  'data:text/javascript,Object.defineProperty(process,"versions",{value:{...process.versions,node:"20.20.2"}})';

let folder: string;
let installed: string;
let offline: NodeJS.ProcessEnv;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "orchestra-package-"));
  offline = {
    ...process.env,
    npm_config_offline: "true",
    npm_config_cache: join(folder, "npm"),
    XDG_CACHE_HOME: join(folder, "cache"),
    ORCHESTRA_STATE_DIR: join(folder, "state"),
  };
  installed = await packAndInstall();
});
after(() => rm(folder, { recursive: true, force: true }));

/** In a copy, so that nobody's dist/ is touched. Returns the folder of the installed package. */
async function packAndInstall(): Promise<string> {
  const copy = join(folder, "copy");
  await mkdir(copy);
  for (const name of packed) await cp(join(root, name), join(copy, name), { recursive: true });
  await symlink(join(root, "node_modules"), join(copy, "node_modules"));
  const path = `${dirname(process.execPath)}:${process.env["PATH"]}`;
  const npm = (...words: string[]) => execute("npm", words, { ...offline, PATH: path }, copy);
  const pack = await npm("pack", "--pack-destination", folder);
  assert.equal(pack.code, 0, pack.stderr);
  const tarball = join(folder, pack.stdout.trim().split("\n").at(-1) ?? "");
  const install = await npm("install", "--global", "--prefix", join(folder, "prefix"), tarball);
  assert.equal(install.code, 0, install.stderr);
  return join(folder, "prefix", "lib", "node_modules", "orchestra");
}

function orchestra(words: readonly string[], nodeWords: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const all = [...nodeWords, join(installed, "bin", "run.js"), ...words];
  return execute(process.execPath, all, { ...offline, ...env }, "/");
}

test("the package needs no other package, and runs", async () => {
  const packageJson = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
  assert.equal(packageJson.dependencies, undefined);
  const { code, stdout, stderr } = await orchestra(["--version"]);
  assert.equal(stderr, "");
  assert.equal(code, 0);
  assert.match(stdout, new RegExp(`^orchestra/${packageJson.version} `));
});

test("its manifest of commands knows every command, and each of them loads", async () => {
  const help = await orchestra(["--help"]);
  for (const command of ["apply", "deploy", "describe", "diff", "doctor", "down", "get", "up", "validate", "why"]) {
    assert.match(help.stdout, new RegExp(`^  ${command} `, "m"));
    const { code, stdout, stderr } = await orchestra([command, "--help"]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /USAGE/);
  }
});

test("a command that is misspelt is refused with a suggestion", async () => {
  const { code, stderr } = await orchestra(["aply"]);
  assert.equal(code, 2);
  assert.match(stderr, /did you mean "orchestra apply"/);
});

test("a bundled command reads an empty machine", async () => {
  const { code, stdout, stderr } = await orchestra(["validate", "-f", join(root, "manifests")]);
  assert.equal(code, 0, stdout + stderr);
});

test("the bundle prints YAML, whose package it loads on demand", async () => {
  const { code, stdout, stderr } = await orchestra(["validate", "-f", join(root, "manifests"), "-o", "yaml"]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^valid: true$/m);
});

test("a dependency's deprecation does not reach users", async () => {
  const away = { DOCKER_HOST: "tcp://127.0.0.1:1", ORCHESTRA_STORE: `file:${join(folder, "store.db")}` };
  const { stdout, stderr } = await orchestra(["doctor"], [], away);
  assert.match(stdout, /docker/i);
  assert.doesNotMatch(stdout + stderr, /DeprecationWarning|DEP0169/);
});

test("an older Node is told which one is needed", async () => {
  const { code, stderr } = await orchestra(["--version"], ["--import", oldNode]);
  assert.equal(code, 1);
  assert.equal(stderr, "orchestra: Node 24 or newer is needed, and this is 20.20.2\n");
});

test("an older Node starts the newer one beside the program, and passes its exit code on", async () => {
  const bin = join(installed, ".cache", "node", "node_modules", `node-${process.platform}-${process.arch}`, "bin");
  await mkdir(bin, { recursive: true });
  await symlink(process.execPath, join(bin, "node"));
  try {
    const version = await orchestra(["--version"], ["--import", oldNode]);
    assert.equal(version.code, 0, version.stderr);
    const wrong = await orchestra(["aply"], ["--import", oldNode]);
    assert.equal(wrong.code, 2);
  } finally {
    await rm(join(installed, ".cache"), { recursive: true });
  }
});
