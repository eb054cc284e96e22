// Who this machine is: its node's name and key, written at the first start, so that a changed host name orphans nothing.
import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import { join } from "node:path";
import { readIfThere, replaceFile } from "../durable-file.ts";
import { messageOf, OrchestraError } from "../model/errors.ts";

export interface Identity {
  readonly node: string;
  /** Random: tells this machine from a stranger with its name. */
  readonly key: string;
}

/** The identity kept in `stateDir`, made at the first start; `wanted` names the node then, and must agree with it later. */
export async function nodeIdentity(stateDir: string, wanted: string | undefined): Promise<Identity> {
  const path = join(stateDir, "node.json");
  const text = await readIfThere(path);
  if (text === undefined) {
    const identity = { node: wanted ?? nameFromHost(hostname()), key: randomBytes(16).toString("hex") };
    await replaceFile(path, `${JSON.stringify(identity)}\n`);
    return identity;
  }
  const identity = parse(text, path);
  if (wanted !== undefined && wanted !== identity.node) {
    throw new OrchestraError("conflict", `this machine is the node ${identity.node}, not ${wanted}`, {
      hint: `unset ORCHESTRA_NODE, or remove ${path} when no container of ours runs here`,
    });
  }
  return identity;
}

function parse(text: string, path: string): Identity {
  try {
    const { node, key } = JSON.parse(text) as Partial<Identity>;
    if (typeof node === "string" && typeof key === "string") return { node, key };
    throw new Error("node or key is missing");
  } catch (error) {
    throw new OrchestraError("invalid", `${path} is damaged: ${messageOf(error)}`, {
      hint: "restore it, or remove it when no container of ours runs here",
      cause: error,
    });
  }
}

/** A host name as a DNS label. */
function nameFromHost(host: string): string {
  const label = host
    .split(".")[0]
    ?.toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 63)
    .replace(/-+$/, "");
  return label || "node-1";
}
