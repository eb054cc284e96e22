#!/usr/bin/env node
// orchestra as it is installed: starts the bundle in dist/. Plain old JavaScript, because it must be able to say
// on an old Node that it needs a newer one.
import { createRequire } from "node:module";

// An `import` of `node:fs` would load all of its streams: a tenth of the start.
const require = createRequire(import.meta.url);
const { existsSync, readFileSync } = require("node:fs");
const { enableCompileCache } = require("node:module");
const { join } = require("node:path");
const { fileURLToPath } = require("node:url");

const neededMajor = 24;
const bundle = new URL("../dist/cli/main.js", import.meta.url);

if (Number(process.versions.node.split(".")[0]) < neededMajor) await runWithNewerNode();
else if (existsSync(bundle)) await start();
else fail("dist/ is missing: run `npm run build` in the checkout, or start bin/dev.js, which needs no build");

async function start() {
  // Compiled code is kept between runs: without it a third of the start goes into compiling. In the user's own
  // cache folder, because Node's default is under /tmp, where others could put code of theirs for us to run.
  const { XDG_CACHE_HOME, HOME } = process.env;
  const caches = XDG_CACHE_HOME || (HOME && join(HOME, ".cache"));
  if (caches) enableCompileCache(join(caches, "orchestra", "compiled"));
  // oclif would look for its own package.json, which is not in the bundle, to check what was checked above: 6 ms of each start.
  process.env.OCLIF_DISABLE_ENGINE_WARNING = "1";
  const { main } = await import(bundle.href);
  const packageJson = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  await main({ root: fileURLToPath(new URL("../dist", import.meta.url)), commands: "./cli/commands", packageJson });
}

/** `make` puts a newer Node into .cache/ where the machine's own is too old. */
async function runWithNewerNode() {
  const folder = `../.cache/node/node_modules/node-${process.platform}-${process.arch}/bin/node`;
  const node = fileURLToPath(new URL(folder, import.meta.url));
  if (!existsSync(node)) fail(`Node ${neededMajor} or newer is needed, and this is ${process.versions.node}`);
  // Loaded here only: the usual start needs no child processes, and they cost it some milliseconds.
  const { spawn } = await import("node:child_process");
  const child = spawn(node, process.argv.slice(1), { stdio: "inherit" });
  // A terminal sends Ctrl-C to both of us; the others reach only this process and are passed on.
  process.on("SIGINT", () => {});
  for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
  child.on("error", (error) => fail(`${node} cannot be started: ${error.message}`));
  child.on("exit", (code, signal) => {
    if (signal === null) process.exit(code === null ? 1 : code);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}

function fail(message) {
  process.stderr.write(`orchestra: ${message}\n`);
  process.exit(1);
}
