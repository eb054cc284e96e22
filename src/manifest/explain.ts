// The validators' errors in sentences that a user can act on, with "did you mean". Pure.
import { nearest } from "../model/nearest.ts";
import { explainValue, type Source } from "./explain-value.ts";
import type { Finding, Path } from "./problem.ts";
import type { ShapeError } from "./shape.ts";
import { fieldPaths } from "./validators.generated.js";

/** Fields of Kubernetes and Compose that people bring along. */
const foreign: Readonly<Record<string, string>> = {
  template: "the fields of the pod stand in spec itself",
  containers: "a Deployment runs one container: its fields stand in spec itself",
  selector: "pods belong to their Deployment by name: leave it out",
  namespace: "there are no namespaces: leave it out",
  readinessProbe: "it is called readiness",
  livenessProbe: "it is called liveness",
  httpGet: "it is called http",
  tcpSocket: "it is called tcp",
  terminationGracePeriodSeconds: "it is called stop.graceSeconds",
  environment: "it is called env",
  entrypoint: "it is called command",
  limits: "limits and what is reserved are one: write cpu and memory in resources itself",
  requests: "limits and what is reserved are one: write cpu and memory in resources itself",
};

/** One finding for each place, the most telling error first. `root` is what was validated. */
export function explain(errors: readonly ShapeError[], root: unknown, source: Source): Finding[] {
  const findings = new Map<string, Finding>();
  const told = errors.filter(isTelling);
  const misspelt = new Set(
    told.filter(isUnknown).map((error) => JSON.stringify([...pathOf(error, root), suggestion(error)])),
  );
  for (const error of told) {
    const finding = findingOf(error, root, source);
    const key = JSON.stringify(finding.path);
    // The field that a misspelt one was meant to be is not missing as well.
    if (error.keyword === "required" && misspelt.has(key)) continue;
    if (!findings.has(key) || error.keyword === "type") findings.set(key, finding);
  }
  return [...findings.values()];
}

/** Not what another error says already: a wrong key, which alternative failed how, or that a list is no probe. */
function isTelling({ keyword, schemaPath, data }: ShapeError): boolean {
  if (keyword === "oneOf") return typeof data === "object" && data !== null && !Array.isArray(data);
  return keyword !== "propertyNames" && !schemaPath.includes("/oneOf/");
}

function findingOf(error: ShapeError, root: unknown, source: Source): Finding {
  const path = pathOf(error, root);
  if (isUnknown(error)) return unknownField(error, path);
  if (error.keyword === "required") {
    const field = String(error.params["missingProperty"]);
    return { path: [...path, field], at: "value", message: "is missing", hint: `add ${field}` };
  }
  if (error.propertyName !== undefined) return { path: [...path, error.propertyName], at: "key", ...wrongKey(error) };
  return { path, at: "value", ...explainValue(error, path, source) };
}

function pathOf(error: ShapeError, root: unknown): Path {
  let value = root;
  return error.instancePath
    .split("/")
    .slice(1)
    .map((part) => {
      const key = Array.isArray(value) ? Number(part) : part.replaceAll("~1", "/").replaceAll("~0", "~");
      value = (value as Record<string | number, unknown>)[key];
      return key;
    });
}

const isUnknown = (error: ShapeError) => error.keyword === "additionalProperties";

function suggestion(error: ShapeError): string | undefined {
  return nearest(String(error.params["additionalProperty"]), Object.keys(error.parentSchema?.properties ?? {}));
}

function unknownField(error: ShapeError, path: Path): Finding {
  const field = String(error.params["additionalProperty"]);
  const near = suggestion(error);
  const known = Object.keys(error.parentSchema?.properties ?? {});
  const elsewhere = fieldPaths.filter((candidate) => candidate.split(".").at(-1)?.replace("[]", "") === field);
  const hint = () => {
    if (near !== undefined) return `did you mean "${near}"?`;
    if (Object.hasOwn(foreign, field)) return foreign[field];
    if (elsewhere.length > 0) return `it belongs at ${elsewhere.slice(0, 3).join(" or ")}`;
    return `the fields here are ${known.join(", ")}`;
  };
  return { path: [...path, field], at: "key", message: "there is no such field", hint: hint() };
}

function wrongKey(error: ShapeError) {
  const name = error.propertyName ?? "";
  if (name.startsWith("orchestra.")) {
    return { message: 'is reserved: labels that begin with "orchestra." are ours', hint: "choose another name" };
  }
  if (error.keyword === "maxLength") {
    return { message: `is a name of ${name.length} characters, and may have ${error.params["limit"]}` };
  }
  return { message: error.parentSchema?.["x-rule"] ?? "is not a proper name" };
}
