// The source files of the repository and what they import, read from their text.
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

export interface Import {
  /** A path inside the repository (`src/model/pod.ts`), or a package or `node:` module. */
  readonly target: string;
  /** What is taken out of it; `*` for all of it, and for an import while running. */
  readonly names: readonly string[];
  /** Gone after the types are stripped. */
  readonly typeOnly: boolean;
}

export interface SourceFile {
  readonly path: string;
  readonly text: string;
  /** The text without comments and what stands in quotes. */
  readonly code: string;
  readonly imports: readonly Import[];
}

/** Files that match the patterns; generated ones, and what npm installs for the tests, are left out. */
export function sourceFiles(...patterns: readonly string[]): SourceFile[] {
  const paths = patterns
    .flatMap((pattern) => globSync(pattern, { cwd: root }))
    .filter((path) => !/\.generated\.|\bnode_modules\b/.test(path));
  return paths.sort().map((path) => {
    const text = readFileSync(join(root, path), "utf8");
    return { path, text, code: bare(text), imports: importsOf(path, text) };
  });
}

function importsOf(path: string, text: string): Import[] {
  const found: Import[] = [];
  for (const [, keyword = "", clause = "", target = ""] of text.matchAll(
    /^(import|export)\s+((?:type\s+)?(?:[\w*]+(?:\s+as\s+\w+)?\s*,?\s*)?(?:\{[^}]*\})?)\s*from\s+"([^"]+)"/gm,
  )) {
    const names = [...clause.matchAll(/(?:^|[{,])\s*(type\s+)?([\w*]+)/g)].filter(([, , name]) => name !== "type");
    const whole = /^type\s/.test(clause);
    const typeOnly =
      whole || (keyword === "import" && names.length > 0 && names.every(([, type]) => type !== undefined));
    found.push({ target: resolve(path, target), names: names.map(([, , name = "*"]) => name), typeOnly });
  }
  for (const [, target = ""] of text.matchAll(/\bimport\(\s*"([^"]+)"\s*\)|^import\s+"[^"]+"/gm)) {
    found.push({ target: resolve(path, target), names: ["*"], typeOnly: false });
  }
  return found;
}

function resolve(from: string, target: string): string {
  return target.startsWith(".") ? normalize(join(dirname(from), target)) : target;
}

/** Comments first: an apostrophe in one would open a string. */
function bare(text: string): string {
  return text
    .replace(/\/\*[\s\S]*?\*\//g, "")
    .replace(/(^|[^:"'`])\/\/.*$/gm, "$1")
    .replace(/"(?:[^"\\\n]|\\.)*"/g, '""');
}
