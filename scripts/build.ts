// Makes dist/: the program as it is installed. A bundle with one entry for each command and chunks for what they share,
// so that a command loads only what it needs; every package is inside, so that installing downloads and compiles nothing.
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Config } from "@oclif/core";
import { build, type Metafile, type Plugin } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const dist = join(root, "dist");

/** What packages load at their start for something that orchestra never does: with native code or megabytes behind it. */
const unneeded: Readonly<Record<string, string>> = {
  ssh2: "an engine behind ssh://",
  "@grpc/grpc-js": "a build by BuildKit",
  "@grpc/proto-loader": "a build by BuildKit",
};

/** What packages in the older module format expect to find around them. */
const commonJsNames = `import { createRequire as orchestraCreateRequire } from "node:module";
import { dirname as orchestraDirname } from "node:path";
const require = orchestraCreateRequire(import.meta.url);
const __filename = import.meta.filename;
const __dirname = orchestraDirname(__filename);`;

/** Puts a module in the place of each whose every function says, when it is called, what is not supported. */
const leaveOutUnneeded: Plugin = {
  name: "leave-out-unneeded",
  setup(build) {
    const names = Object.keys(unneeded);
    build.onResolve({ filter: /^[^.]/ }, ({ path }) => (names.includes(path) ? { path, namespace: "unneeded" } : null));
    build.onLoad({ filter: /.*/, namespace: "unneeded" }, ({ path }) => ({
      contents: `const refuse = () => { throw new Error(${JSON.stringify(`orchestra does not support ${unneeded[path]}`)}); };
        module.exports = new Proxy({}, { get: () => refuse });`,
    }));
  },
};

/**
 * Loads Node's own modules as `require` does. An `import` of one reads each of its exports, and reading those of `node:fs` alone
 * loads all of its streams: a tenth of the start of `orchestra get`.
 */
const loadBuiltinsLazily: Plugin = {
  name: "load-builtins-lazily",
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ path, kind, namespace }) =>
      kind === "import-statement" && namespace === "file" ? { path, namespace: "builtin" } : null,
    );
    build.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
      contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)});`,
    }));
  },
};

await rm(dist, { recursive: true, force: true });
const metafile = await bundle();
await writeLicences(metafile);
await writeCommandManifest();

async function bundle(): Promise<Metafile> {
  // A folder among them holds the commands of a topic: `orchestra store export` is store/export.ts.
  const names = await readdir(join(root, "src", "cli", "commands"), { recursive: true });
  const commands = names.filter((name) => name.endsWith(".ts")).map((file) => `src/cli/commands/${file}`);
  const entryPoints = ["src/cli/main.ts", ...commands];
  const result = await build({
    absWorkingDir: root,
    entryPoints,
    outdir: dist,
    outbase: "src",
    bundle: true,
    splitting: true,
    metafile: true,
    platform: "node",
    target: "node24",
    format: "esm",
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: "none",
    banner: { js: commonJsNames },
    plugins: [leaveOutUnneeded, loadBuiltinsLazily],
    logLevel: "warning",
  });
  return result.metafile;
}

/** The packages inside the bundle come with the duty to pass on their licences. */
async function writeLicences({ inputs }: Metafile): Promise<void> {
  const folders = Object.keys(inputs).map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]);
  const texts: string[] = [];
  for (const folder of [...new Set(folders)].sort()) {
    if (folder === undefined) continue;
    const { name, version, license } = JSON.parse(await readFile(join(root, folder, "package.json"), "utf8"));
    const file = (await readdir(join(root, folder))).find((candidate) => /^licen[cs]e/i.test(candidate));
    const text = file === undefined ? "" : await readFile(join(root, folder, file), "utf8");
    texts.push(`${name} ${version} (${license})\n\n${text.trim()}\n`);
  }
  await writeFile(join(dist, "third-party-licences.txt"), texts.join(`\n${"-".repeat(80)}\n\n`));
}

/** With it a start reads the names and flags of all commands from one file and imports only the command that runs. */
async function writeCommandManifest(): Promise<void> {
  const packageJson = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
  const pjson = { ...packageJson, oclif: { ...packageJson.oclif, commands: "./cli/commands" } };
  const config = await Config.load({ root: dist, pjson, errorOnManifestCreate: true });
  const plugin = config.plugins.get(packageJson.name);
  if (!plugin) throw new Error("oclif did not load our own commands");
  const { manifest } = plugin as unknown as { readonly manifest: object };
  await writeFile(join(dist, "oclif.manifest.json"), JSON.stringify(manifest));
}
