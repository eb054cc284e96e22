// Text → documents: plain JSON values that know where they were written. Whatever JSON cannot carry is an error, never a silent change.
// Loaded only when something must be parsed: the package behind it takes longer to load than a thousand unchanged files to read.
import {
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  LineCounter,
  type Node,
  Parser,
  type YAMLError,
} from "yaml";
import { convert, type JsonValue } from "./convert.ts";
import type { TextProblem } from "./decode.ts";
import { lexemesLimit, nestingLimit, syntaxErrorsShown } from "./limits.ts";
import type { Finding, Path } from "./problem.ts";

export interface ParsedDocument {
  readonly value: JsonValue;
  /** False: it was too large, and the rest of it was left out. */
  readonly isWhole: boolean;
  /** Where plain texts look like dates. */
  readonly dates: readonly Path[];
  /** What is wrong with single values; the others are as written. */
  readonly findings: readonly Finding[];
  /** Where a path is written; for what is missing, where its nearest parent is. */
  locate(path: Path, at: "key" | "value"): { readonly line: number; readonly column: number };
  /** How a scalar is written, without quotes. */
  textOf(path: Path): string | undefined;
}

export interface Parsed {
  /** Empty documents are left out. */
  readonly documents: readonly ParsedDocument[];
  /** Errors of syntax: the text has more documents than could be read. */
  readonly problems: readonly TextProblem[];
}

/** Reads YAML 1.2, and so JSON. `limit`: after so many documents the rest is a problem. */
export function parseText(text: string, limit: number): Parsed {
  const lines = new LineCounter();
  const documents: ParsedDocument[] = [];
  const problems: TextProblem[] = [];
  const composer = new Composer({
    version: "1.2",
    merge: false,
    // The parser compares each key with each other one; `convert` needs one look.
    uniqueKeys: false,
    intAsBigInt: true,
    prettyErrors: false,
    logLevel: "silent",
  });
  let count = 0;
  try {
    for (const document of composer.compose(tokens(text, lines))) {
      count += 1;
      if (count > limit) throw new TooMuch(document.range[0], `has more than ${limit} documents`, "split it");
      const errors = [...document.errors, ...document.warnings];
      for (const error of errors.slice(0, syntaxErrorsShown)) problems.push(syntaxProblem(error, lines));
      if (errors.length === 0 && !isEmpty(document)) documents.push(parsed(document, lines));
    }
  } catch (error) {
    if (!(error instanceof TooMuch)) throw error;
    problems.push({ ...placeAt(lines, error.offset), message: error.message, hint: error.hint });
  }
  return { documents, problems };
}

/** Ends the parsing where it stands. */
class TooMuch extends Error {
  readonly offset: number;
  readonly hint: string;

  constructor(offset: number, message: string, hint: string) {
    super(message);
    this.offset = offset;
    this.hint = hint;
  }
}

/**
 * The parser's own loop, with a look at its depth and at how much one document says:
 * what follows it recurses, and would run out of stack, or of a user's patience.
 */
function* tokens(text: string, lines: LineCounter) {
  const parser = new Parser(lines.addNewLine);
  let document: unknown;
  let lexemes = 0;
  lines.addNewLine(0);
  for (const lexeme of new Lexer().lex(text)) {
    yield* parser.next(lexeme);
    if (parser.stack.length > nestingLimit) {
      throw new TooMuch(parser.offset, `is nested more than ${nestingLimit} levels deep`, "a manifest needs six");
    }
    lexemes += 1;
    // The parser says where a document begins: "---" may be a text as well.
    const bottom = parser.stack[0];
    if (bottom?.type === "document" && bottom !== document) {
      document = bottom;
      lexemes = 0;
    }
    if (lexemes > lexemesLimit) throw new TooMuch(parser.offset, "says more than a manifest can", "split the document");
  }
  yield* parser.end();
}

function isEmpty(document: Document.Parsed): boolean {
  const { contents } = document;
  return contents === null || (isScalar(contents) && contents.value === null && !contents.source);
}

function parsed(document: Document.Parsed, lines: LineCounter): ParsedDocument {
  const version = document.directives?.yaml;
  const root = document.contents as Node;
  const result = convert(root);
  const findings = [...result.findings];
  if (version?.explicit && version.version !== "1.2") {
    findings.unshift({
      path: [],
      at: "value",
      message: `is written for YAML ${version.version}`,
      hint: "delete the %YAML line: YAML 1.2 is read",
    });
  }
  return {
    value: result.value,
    isWhole: result.isWhole,
    dates: result.dates,
    findings,
    locate: (path, at) => placeAt(lines, offsetOf(root, path, at)),
    textOf: (path) => {
      const node = nodeAt(root, path);
      return isScalar(node) ? node.source : undefined;
    },
  };
}

/** Walks down as far as the path is written; an alias is where the walk ends, for that is what stands there. */
function offsetOf(root: Node, path: Path, at: "key" | "value"): number {
  let offset = root.range?.[0] ?? 0;
  let node: unknown = root;
  for (const [index, part] of path.entries()) {
    const isLast = index === path.length - 1;
    if (isMap(node)) {
      // The last one: of a key that is there twice, the second is the error.
      const pair = node.items.findLast(({ key }) => isScalar(key) && String(key.value) === String(part));
      if (!pair) return offset;
      const key = (pair.key as Node).range?.[0] ?? offset;
      const range = (pair.value as Node | null)?.range;
      const isWritten = range !== undefined && range !== null && range[1] > range[0];
      // A map below its key begins at its own first key; the line that names it is what people look for.
      const isBlock = isWritten && !isScalar(pair.value) && !isAlias(pair.value) && !isLast;
      offset = (isLast && at === "key") || !isWritten || isBlock ? key : range[0];
      node = pair.value;
    } else if (isSeq(node)) {
      const item = node.items[Number(part)] as Node | undefined;
      if (!item) return offset;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else {
      return offset;
    }
  }
  return offset;
}

function nodeAt(root: Node, path: Path): unknown {
  let node: unknown = root;
  for (const part of path) {
    if (isMap(node)) node = node.items.find(({ key }) => isScalar(key) && key.value === part)?.value;
    else if (isSeq(node)) node = node.items[Number(part)];
    else return undefined;
  }
  return node;
}

const advice: Partial<Record<YAMLError["code"], string>> = {
  TAB_AS_INDENT: "indent with spaces, not tabs",
  BAD_INDENT: "compare the indentation with the lines around it",
  BAD_ALIAS: 'quote texts that begin with "*"',
  BAD_SCALAR_START: "quote the text",
  BLOCK_AS_IMPLICIT_KEY: 'quote the text, or check the ":" and the indentation',
  MISSING_CHAR: 'look for a missing quote, bracket, comma or ":"',
  MULTILINE_IMPLICIT_KEY: 'look for a missing ":" or a missing closing quote',
  TAG_RESOLVE_FAILED: 'quote texts that begin with "!", and remove tags: manifests use plain YAML',
  BAD_DIRECTIVE: "remove the line that begins with %",
};

/** How the parser quotes what it stumbled over, and what is said without it: a text after a colon, a name of a tag, an escape. */
const quotes: readonly (readonly [RegExp, string])[] = [
  [/: (".*"|[!*&|>].*)$/, ""],
  [/^((Unresolved|Could not resolve) tag|Unknown directive|Invalid escape sequence)\b.*$/, "$1"],
  [/^The !.*! tag has no suffix$/, "The tag has no suffix"],
];

/** What is quoted may be a secret, and stands at the place that is told. */
function syntaxProblem({ code, message, pos }: YAMLError, lines: LineCounter): TextProblem {
  const line = message.replaceAll(/\s+/g, " ");
  const plain = quotes.reduce((said, [quote, without]) => said.replace(quote, without), line).replace(/[.:]$/, "");
  const text = plain.slice(0, 1).toLowerCase() + plain.slice(1);
  return { ...placeAt(lines, pos[0]), message: text, hint: advice[code] ?? "check the syntax there" };
}

function placeAt(lines: LineCounter, offset: number) {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}
