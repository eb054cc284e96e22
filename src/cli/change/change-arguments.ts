// What the words of deploy, scale and delete stand for: a manifest, a name, a count. Pure.
import { replicasLimit } from "../../model/deployment.ts";
import { OrchestraError } from "../../model/errors.ts";
import { kindOf } from "../names.ts";
import { parseCount } from "../times.ts";

export interface DeployFlags {
  readonly name: string;
  readonly image: string;
  readonly replicas?: string | undefined;
  readonly env?: readonly string[] | undefined;
  readonly port?: readonly string[] | undefined;
}

/** What a file would say; it is validated as one. Throws `invalid` for a flag that is no pair or number, and for a variable that is given twice. */
export function manifestOfFlags({ name, image, replicas, env = [], port = [] }: DeployFlags): object {
  return {
    apiVersion: "orchestra/v1",
    kind: "Deployment",
    metadata: { name },
    spec: {
      ...(replicas === undefined ? {} : { replicas: parseCount(replicas, "--replicas") }),
      image,
      ...(env.length > 0 ? { env: variablesOf(env) } : {}),
      ...(port.length > 0 ? { ports: port.map(portOf) } : {}),
    },
  };
}

/** `web` of `web` and of `deployment/web`. Throws `invalid` for a name of another kind. */
export function deploymentName(text: string): string {
  const slash = text.indexOf("/");
  if (slash < 0) return text;
  if (kindOf(text.slice(0, slash)) === "deployment") return text.slice(slash + 1);
  throw new OrchestraError("invalid", `"${text}" does not name a Deployment`, {
    hint: "write deployment/NAME or NAME",
  });
}

function variablesOf(texts: readonly string[]): object {
  const pairs = texts.map(variable);
  const seen = new Set<string>();
  for (const [name] of pairs) {
    if (seen.has(name)) throw new OrchestraError("invalid", `--env names ${name} twice`, { hint: "keep one of them" });
    seen.add(name);
  }
  return Object.fromEntries(pairs);
}

function variable(text: string): [string, string] {
  const equals = text.indexOf("=");
  // The text may hold a secret, so the message does not repeat it.
  if (equals < 1) throw new OrchestraError("invalid", "--env needs a name and a value", { hint: "write NAME=VALUE" });
  return [text.slice(0, equals), text.slice(equals + 1)];
}

function portOf(text: string): object {
  const equals = text.indexOf("=");
  const number = text.slice(equals + 1);
  const containerPort = Number(number);
  if (!/^\d{1,5}$/.test(number) || containerPort < 1 || containerPort > 65_535) {
    const hint = "write a number from 1 to 65535, as 80 or http=80";
    throw new OrchestraError("invalid", `--port: "${number}" is not a port`, { hint });
  }
  return equals < 0 ? { containerPort } : { name: text.slice(0, equals), containerPort };
}

/** The count that `scale` is given in one way or another; undefined: with --reset. Throws `invalid` unless there is exactly one of them, and it is a count. */
export function countOf(counts: readonly (string | undefined)[], reset: boolean): number | undefined {
  const given = counts.filter((count) => count !== undefined);
  const [replicas] = given;
  if (given.length + (reset ? 1 : 0) !== 1) {
    const message =
      given.length === 0 ? "scale needs a count" : "more than one count was given, or --reset besides one";
    throw new OrchestraError("invalid", message, { hint: "write scale NAME N, or scale NAME --reset" });
  }
  if (replicas === undefined) return undefined;
  const count = parseCount(replicas, "replicas");
  if (count <= replicasLimit) return count;
  throw new OrchestraError(
    "invalid",
    `${count} replicas are more than the ${replicasLimit} that a Deployment may have`,
  );
}
