// A parsed document → its findings, or the manifest that it is: its form, its shape (the schema), and the rules beyond. Pure.
import { nearest } from "../model/nearest.ts";
import { explain } from "./explain.ts";
import type { Source } from "./explain-value.ts";
import { complainAboutName, shown } from "./grammar.ts";
import type { Manifest } from "./manifest-type.generated.ts";
import { type Finding, isSecret, type Path } from "./problem.ts";
import { checkRules, type SoundSpec } from "./rules.ts";
import type { ShapeValidator } from "./shape.ts";
import { validateDeployment, validateShort, validateTemplateShape } from "./validators.generated.js";

/** `manifest` is there exactly when there are no findings. */
export interface Checked {
  readonly findings: readonly Finding[];
  readonly manifest?: Manifest;
}

type Fields = Readonly<Record<string, unknown>>;

const envelope = ["apiVersion", "kind", "metadata", "spec"];
/** The maps whose values are all text: there a date is surely meant as text, but another program would not take it so. */
const textMaps = ["annotations", "env", "headers", "labels", "nodeSelector"];

/** What is wrong with a document, if anything. */
export function checkManifest(value: unknown, source: Source): Checked {
  const findings = isFields(value)
    ? checkFields(value, source)
    : [notAManifest(Array.isArray(value) ? "is a list" : "is a single value")];
  return findings.length > 0 ? { findings } : { findings, manifest: value as unknown as Manifest };
}

/** What is wrong with a pod template, as stored. */
export function checkTemplate(value: unknown): Finding[] {
  const shape = shapeFindings(validateTemplateShape, value, {});
  return isFields(value) ? [...shape, ...ruleFindings(value, [], shape)] : shape;
}

function checkFields(value: Fields, source: Source): Finding[] {
  const short = isShort(value);
  const foreign = short ? [] : foreignFindings(value);
  if (foreign.length > 0) return foreign;
  const shape = shapeFindings(short ? validateShort : validateDeployment, value, source);
  const spec = short ? value : value["spec"];
  const prefix: Path = short ? [] : ["spec"];
  return [
    ...shape,
    ...dateFindings(source, shape),
    ...nameFindings(short ? value : value["metadata"], short ? ["name"] : ["metadata", "name"], shape),
    ...(isFields(spec) ? ruleFindings(spec, prefix, shape) : []),
  ].map((finding) => (short ? withShortAdvice(finding) : finding));
}

function shapeFindings(validate: ShapeValidator, value: unknown, source: Source): Finding[] {
  return validate(value) ? [] : explain(validate.errors ?? [], value, source);
}

/** The rules judge what has a right shape, so that one error does not hide another. */
function ruleFindings(spec: Fields, prefix: Path, shape: readonly Finding[]): Finding[] {
  const wrong = shape
    .filter(({ path }) => prefix.every((part, index) => path[index] === part))
    .map(({ path }) => path.slice(prefix.length));
  const sound = Object.fromEntries(
    Object.entries(spec).map(([field, value]) => [field, soundPart(field, value, wrong)]),
  );
  // Which names exist is not known while ports are wrong.
  if (wrong.some(([field]) => field === "ports")) for (const probe of ["readiness", "liveness"]) delete sound[probe];
  return checkRules(sound as SoundSpec).map((finding) => ({ ...finding, path: [...prefix, ...finding.path] }));
}

/** Ports and resources are judged each for itself; of other fields the parts depend on each other. */
function soundPart(field: string, value: unknown, wrong: readonly Path[]): unknown {
  const inside = wrong.filter((path) => path[0] === field);
  if (inside.length === 0) return value;
  if (inside.some((path) => path.length === 1)) return undefined;
  const isWrong = (part: string | number) => inside.some((path) => path[1] === part);
  if (Array.isArray(value))
    return field === "ports" ? value.map((port, index) => (isWrong(index) ? undefined : port)) : undefined;
  if (field !== "resources" || !isFields(value)) return undefined;
  return Object.fromEntries(Object.entries(value).filter(([part]) => !isWrong(part)));
}

/** A document of another program: one sentence about that, not twenty about its fields. */
function foreignFindings(value: Fields): Finding[] {
  const isOurs = Object.keys(value).some((field) => envelope.includes(field) || nearest(field, envelope) !== undefined);
  if (!isOurs) return [notAManifest("has none of its fields")];
  const wanted = { apiVersion: "orchestra/v1", kind: "Deployment" };
  const wrong = Object.entries(wanted).filter(
    ([field, right]) => typeof value[field] === "string" && value[field] !== right,
  );
  return wrong.map(([field, right]) => {
    const text = String(value[field]);
    return {
      path: [field],
      at: "value",
      message: `is ${shown(text)}, and must be ${right}`,
      hint: envelopeHint(field, text, right),
    };
  });
}

function envelopeHint(field: string, text: string, right: string): string | undefined {
  if (nearest(text, [right]) !== undefined) return `did you mean "${right}"?`;
  if (field === "apiVersion" && /^(apps\/)?v\d/.test(text))
    return "this looks like Kubernetes: write it anew, as docs/manifest.md shows";
  if (text === "List" || text === "Kustomization") return "write its Deployments as documents with --- between";
  return field === "kind" ? "orchestra runs Deployments only" : undefined;
}

function nameFindings(holder: unknown, path: Path, shape: readonly Finding[]): Finding[] {
  const name = isFields(holder) ? holder["name"] : undefined;
  const isTold = shape.some((finding) => finding.path.join("/") === path.join("/"));
  const complaint = typeof name === "string" && !isTold ? complainAboutName(name) : undefined;
  return complaint ? [{ path, at: "value", ...complaint }] : [];
}

function dateFindings({ dates = [], textOf }: Source, shape: readonly Finding[]): Finding[] {
  const told = new Set(shape.map(({ path }) => JSON.stringify(path)));
  return dates
    .filter((path) => textMaps.includes(String(path.at(-2))) && !told.has(JSON.stringify(path)))
    .map((path) => {
      const text = isSecret(path) ? "…" : textOf?.(path);
      return { path, at: "value", message: "is a date, and must be text", hint: `quote it: ${path.at(-1)}: "${text}"` };
    });
}

/** Whoever adds a field to the short form wants the full one. */
function withShortAdvice(finding: Finding): Finding {
  if (finding.at !== "key" || finding.hint?.startsWith("did you mean")) return finding;
  return { ...finding, hint: "the short form has name, image and replicas only: write the full form for more" };
}

function isShort(value: Fields): boolean {
  return !envelope.some((field) => field in value) && ("image" in value || "name" in value);
}

function notAManifest(reason: string): Finding {
  const hint = "a manifest begins with apiVersion: orchestra/v1";
  return { path: [], at: "value", message: `this is not a manifest: it ${reason}`, hint };
}

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
