// YAML nodes → a plain JSON value. Its own walk instead of the package's: that one writes out alias bombs, takes `__proto__` for a prototype,
// and turns what JSON cannot carry into something else. Pure.
import { type Alias, isAlias, isMap, isScalar, isSeq, type Node, type Pair, Scalar, type YAMLMap } from "yaml";
import { aliasesLimit, nestingLimit, nodesLimit } from "./limits.ts";
import { type Finding, isSecret, type Path } from "./problem.ts";

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue };

export interface Converted {
  readonly value: JsonValue;
  /** False: it was too large, and the rest of it was left out. */
  readonly isWhole: boolean;
  readonly findings: readonly Finding[];
  readonly dates: readonly Path[];
}

const plainTags = ["str", "int", "float", "bool", "null", "map", "seq"].map((tag) => `tag:yaml.org,2002:${tag}`);
const datePattern = /^\d{4}-\d{1,2}-\d{1,2}([Tt ].*)?$/;

/** What one walk gathers. */
interface Walk {
  readonly findings: Finding[];
  readonly dates: Path[];
  /** What each name means where the walk is: the last node before it that is called so. */
  readonly anchors: Map<string, Node>;
  /** What each alias means. It is found where the alias is written, and stands also where that part is written out again. */
  readonly targets: Map<Alias, Node | undefined>;
  /** The nodes that are being written out now: an alias to one of them has no end. */
  readonly open: Set<Node>;
  nodes: number;
  aliases: number;
  /** Inside of so many aliases: no name gets its meaning there. */
  depth: number;
}

/** The value of a document, as far as JSON carries it, and a finding for each part that it does not. */
export function convert(root: Node): Converted {
  const walk: Walk = {
    findings: [],
    dates: [],
    anchors: new Map(),
    targets: new Map(),
    open: new Set(),
    nodes: 0,
    aliases: 0,
    depth: 0,
  };
  const value = jsonOf(walk, root, []);
  return { value, isWhole: walk.nodes <= nodesLimit, findings: walk.findings, dates: walk.dates };
}

function jsonOf(walk: Walk, node: unknown, path: Path): JsonValue {
  walk.nodes += 1;
  if (walk.nodes > nodesLimit || path.length > nestingLimit) return tooMuch(walk, path);
  if (isAlias(node)) return aliasValue(walk, node, path);
  if (isScalar(node)) {
    learn(walk, node);
    return scalarValue(walk, node, path);
  }
  if (!isMap(node) && !isSeq(node)) return null;
  learn(walk, node);
  if (node.tag !== undefined && !plainTags.includes(node.tag)) return refused(walk, path, ...tagComplaint(node.tag));
  walk.open.add(node);
  const value = isMap(node)
    ? mapValue(walk, node, path)
    : node.items.map((item, index) => jsonOf(walk, item, [...path, index]));
  walk.open.delete(node);
  return value;
}

function mapValue(walk: Walk, map: YAMLMap, path: Path): JsonValue {
  const entries = new Map<string, JsonValue>();
  for (const pair of map.items) {
    walk.nodes += 1;
    const key = keyOf(walk, pair, path);
    if (key === undefined) continue;
    const inner = [...path, key];
    if (entries.has(key)) {
      walk.findings.push({ path: inner, at: "key", message: "is there twice", hint: "keep one of them" });
    } else if (key === "__proto__") {
      walk.findings.push({
        path: inner,
        at: "key",
        message: "__proto__ is no name that can be used",
        hint: "choose another",
      });
    } else {
      entries.set(key, pair.value === null ? null : jsonOf(walk, pair.value, inner));
    }
    if (walk.nodes > nodesLimit) break;
  }
  return Object.fromEntries(entries);
}

function keyOf(walk: Walk, { key }: Pair, path: Path): string | undefined {
  if (isScalar(key) && typeof key.value === "string") {
    learn(walk, key);
    if (key.value === "<<" && key.type === Scalar.PLAIN) {
      refused(
        walk,
        [...path, "<<"],
        "merge keys are not read",
        "write the fields out, or let a tool of yours do it",
        "key",
      );
      return undefined;
    }
    if (key.value.isWellFormed()) return key.value;
    refused(walk, path, "has a key with half a character in it", "write the character itself");
    return undefined;
  }
  const text = isScalar(key) ? (key.source ?? String(key.value)) : undefined;
  if (text === undefined || text === "")
    refused(walk, path, "has a key that is not text", "write each key as one word");
  else refused(walk, [...path, text], "is a key that is not text", `quote it: "${text}"`, "key");
  return undefined;
}

/** From here on the node's name means this node. */
function learn(walk: Walk, node: Node & { readonly anchor?: string | undefined }): void {
  if (node.anchor && walk.depth === 0) walk.anchors.set(node.anchor, node);
}

function aliasValue(walk: Walk, alias: Alias, path: Path): JsonValue {
  if (walk.depth === 0) walk.targets.set(alias, walk.anchors.get(alias.source));
  const target = walk.targets.get(alias);
  const name = isSecret(path) ? "an alias" : `*${alias.source}`;
  walk.aliases += 1;
  if (walk.aliases > aliasesLimit) return tooMuch(walk, path);
  if (!target) return refused(walk, path, `${name} names no anchor before it`, `quote texts that begin with "*"`);
  if (walk.open.has(target)) return refused(walk, path, `${name} stands inside what it names`, "write it out");
  walk.depth += 1;
  const value = jsonOf(walk, target, path);
  walk.depth -= 1;
  return value;
}

function scalarValue(walk: Walk, scalar: Scalar, path: Path): JsonValue {
  const { value, tag } = scalar;
  const text = isSecret(path) ? "the number" : (scalar.source ?? String(value));
  if (tag !== undefined && !plainTags.includes(tag)) return refused(walk, path, ...tagComplaint(tag));
  switch (typeof value) {
    case "string":
      if (!value.isWellFormed()) return refused(walk, path, "has half a character in it", "write the character itself");
      if (scalar.type === Scalar.PLAIN && datePattern.test(value)) walk.dates.push(path);
      return value;
    case "boolean":
      return value;
    case "bigint":
      if (Number.isSafeInteger(Number(value))) return Number(value);
      return refused(walk, path, `${text} is too large to be kept exactly`, "quote it if it is text");
    case "number":
      // Not -0 either: JSON writes it as 0.
      if (Number.isFinite(value)) return value === 0 ? 0 : value;
      return refused(walk, path, `${text} is no number that can be kept`, "quote it if it is text");
    default:
      return value === null ? null : refused(walk, path, "is of a type that is not used here", "write it as text");
  }
}

function tagComplaint(tag: string): [string, string] {
  return [`the tag ${tag.replace("tag:yaml.org,2002:", "!!")} is not read`, "remove the tag: manifests use plain YAML"];
}

/** Told once: everything after it would only repeat it. */
function tooMuch(walk: Walk, path: Path): null {
  const message = "the document is too large once its aliases are written out";
  const isTold = walk.findings.some((finding) => finding.message === message);
  walk.nodes = nodesLimit + 1;
  if (isTold) return null;
  return refused(walk, path.slice(0, 4), message, `at most ${nodesLimit} values and ${aliasesLimit} aliases`);
}

function refused(walk: Walk, path: Path, message: string, hint: string, at: "key" | "value" = "value"): null {
  walk.findings.push({ path, at, message, hint });
  return null;
}
