// What a validator says about one value, in a sentence and with what was surely meant. Pure.
import { nearest } from "../model/nearest.ts";
import { complainAboutImage, complainAboutName, shown } from "./grammar.ts";
import { isSecret, type Path } from "./problem.ts";
import type { ShapeError, ShapeSchema } from "./shape.ts";

/** What the text says that the value no longer does. */
export interface Source {
  /** How a scalar is written, without quotes. */
  readonly textOf?: (path: Path) => string | undefined;
  /** Where a plain text looks like a date. */
  readonly dates?: readonly Path[];
}

/** What is wrong with the value at a path, and what to write instead. */
export function explainValue(
  error: ShapeError,
  path: Path,
  source: Source,
): { message: string; hint?: string | undefined } {
  const { keyword, data, params, parentSchema: schema = {} } = error;
  const limit = params["limit"];
  if (keyword === "type") return wrongType(error, path, source);
  if (typeof data === "string") {
    const special =
      path.at(-1) === "image" ? complainAboutImage(data) : isName(path) ? complainAboutName(data) : undefined;
    if (special) return special;
  }
  switch (keyword) {
    case "enum":
      return wrongChoice(textOf(data), schema);
    case "minimum":
    case "maximum":
      return { message: `is ${data}, and must be ${rangeOf(schema)}` };
    case "minLength":
      return { message: "is empty", hint: "give it a value or delete the line" };
    case "maxLength":
      return { message: `has ${textOf(data).length} characters, and may have ${limit}` };
    case "minItems":
      return { message: "is an empty list", hint: "give it a value or delete the line" };
    case "maxItems":
      return { message: `has ${(data as unknown[]).length} entries, and may have ${limit}` };
    case "maxProperties":
      return { message: `has ${Object.keys(data as object).length} entries, and may have ${limit}` };
    case "oneOf":
      return oneProbe(data as object);
    default:
      return wrongText(textOf(data), path, schema);
  }
}

/** Not by `String`: a map may have a field called toString. */
function textOf(data: unknown): string {
  return typeof data === "string" ? data : JSON.stringify(data);
}

function wrongText(text: string, path: Path, schema: ShapeSchema) {
  const rule = schema["x-rule"] ?? "is not valid";
  // The value of an environment variable may be a secret.
  return { message: isSecret(path) ? rule : `${shown(text)} ${rule}` };
}

function wrongChoice(text: string, schema: ShapeSchema) {
  const choices = (schema.enum ?? []).map(String);
  const near =
    choices.length === 1 ? undefined : (nearest(text, choices) ?? choices.find((choice) => choice === `SIG${text}`));
  if (near === undefined) return { message: `is ${shown(text)}, and must be ${listed(choices)}` };
  const wanted = choices.length > 6 ? "is none of those that are known" : `must be ${listed(choices)}`;
  return { message: `is ${shown(text)}, and ${wanted}`, hint: `did you mean "${near}"?` };
}

function wrongType({ data, parentSchema = {} }: ShapeError, path: Path, source: Source) {
  const types = [parentSchema.type ?? []].flat();
  const rule = types.length > 1 ? parentSchema["x-rule"] : undefined;
  const wanted = rule ?? `must be ${listed(types.map(typeName))}`;
  if (data === null)
    return { message: `has no value, and ${wanted}`, hint: adviceForNothing(parentSchema, types, path) };
  return { message: `${described(data, path)}, and ${wanted}`, hint: adviceForType(data, types, path, source) };
}

function adviceForNothing(schema: ShapeSchema, types: readonly string[], path: Path): string {
  const mayBeEmpty = types.length === 1 && types[0] === "string" && !schema.minLength && !schema.enum;
  if (!mayBeEmpty) return "give it a value or delete the line";
  return `write ${keyBefore(path)}"" if it should be empty, or delete the line`;
}

/** How to write what was surely meant. */
function adviceForType(data: unknown, types: readonly string[], path: Path, source: Source): string | undefined {
  const wantsText = types.length === 1 && types[0] === "string";
  if (wantsText && isName(path)) return "use a DNS label, as web or shop-api";
  if (wantsText && (typeof data === "number" || typeof data === "boolean")) {
    const text = isSecret(path) ? "…" : (source.textOf?.(path) ?? String(data));
    return `quote it: ${keyBefore(path)}"${text}"`;
  }
  if (typeof data !== "string") return undefined;
  if (types.includes("integer") && /^-?\d+$/.test(data)) return `remove the quotes: ${keyBefore(path)}${data}`;
  if (types.includes("array")) return "write it as a list, as [a, b]";
  return types.includes("boolean") ? `write ${keyBefore(path)}true or ${keyBefore(path)}false` : undefined;
}

/** What stands before a value on its line: `replicas: `, or nothing in a list. */
function keyBefore(path: Path): string {
  const key = path.at(-1);
  return typeof key === "string" ? `${key}: ` : "";
}

function described(value: unknown, path: Path): string {
  if (Array.isArray(value)) return "is a list";
  if (typeof value === "object") return "is a map";
  if (isSecret(path)) return `is a ${typeof value === "boolean" ? "truth value" : typeof value}`;
  if (typeof value === "string") return `is the text ${shown(value)}`;
  return typeof value === "number" ? `is the number ${value}` : `is ${value}`;
}

const typeNames: Readonly<Record<string, string>> = {
  string: "text",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
  array: "a list",
  object: "a map",
};
const typeName = (type: string) => typeNames[type] ?? type;

function rangeOf({ minimum, maximum }: ShapeSchema): string {
  return maximum === undefined ? `${minimum} or more` : `from ${minimum} to ${maximum}`;
}

function oneProbe(probe: object) {
  const given = ["http", "tcp", "exec"].filter((action) => action in probe);
  if (given.length === 0) return { message: "says no way to probe", hint: "add exactly one of http, tcp and exec" };
  return { message: `has ${given.join(" and ")}`, hint: "keep exactly one of http, tcp and exec" };
}

function isName(path: Path): boolean {
  return path.at(-1) === "name" && (path.length === 1 || (path.length === 2 && path[0] === "metadata"));
}

function listed(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? "something else") : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}
