// The floor of the command line: an oclif program with one command that prints one word, bundled and started as ours is.
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const banner = `import { createRequire as helloCreateRequire } from "node:module";
import { dirname as helloDirname } from "node:path";
const require = helloCreateRequire(import.meta.url);
const __filename = import.meta.filename;
const __dirname = helloDirname(__filename);`;

/** Makes the program in `folder` and gives the path to start it with. */
export async function bundleHello(folder: string): Promise<string> {
  const sources = join(folder, "sources");
  await mkdir(join(sources, "commands"), { recursive: true });
  const core = fileURLToPath(import.meta.resolve("@oclif/core"));
  await writeFile(
    join(sources, "commands", "hello.ts"),
    `import { Command } from ${JSON.stringify(core)};
     export default class Hello extends Command { async run() { this.log("hello"); } }`,
  );
  await writeFile(join(sources, "main.ts"), `export { run, flush } from ${JSON.stringify(core)};`);
  const oclif = { bin: "hello", commands: "./dist/commands" };
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({ name: "hello", version: "1.0.0", type: "module", oclif }),
  );
  await build({
    entryPoints: [join(sources, "main.ts"), join(sources, "commands", "hello.ts")],
    outbase: sources,
    outdir: join(folder, "dist"),
    bundle: true,
    splitting: true,
    platform: "node",
    format: "esm",
    minifySyntax: true,
    minifyWhitespace: true,
    banner: { js: banner },
    logLevel: "error",
  });
  const start = join(folder, "run.js");
  await writeFile(
    start,
    `import nodeModule from "node:module";
     nodeModule.enableCompileCache(${JSON.stringify(join(folder, "compiled"))});
     const { run, flush } = await import("./dist/main.js");
     await run(process.argv.slice(2), import.meta.url);
     await flush();`,
  );
  return start;
}
