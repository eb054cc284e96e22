// Manifests as text: what the room `manifest/` makes of them.
import { type Loaded, loadManifests } from "../../src/manifest/manifest.ts";
import { isOrchestraError } from "../../src/model/errors.ts";

/** Reads the text (or bytes) as standard input. */
export function loadText(text: string | Uint8Array): Promise<Loaded> {
  return loadManifests(["-"], { stdin: chunks(text) });
}

/** What is wrong with it, line by line, without the leading `stdin:`; empty when nothing is. */
export async function complaints(text: string | Uint8Array): Promise<string[]> {
  try {
    await loadText(text);
    return [];
  } catch (error) {
    if (!isOrchestraError(error, "invalid")) throw error;
    return error.message.split("\n").map((line) => line.replace(/^stdin:/, ""));
  }
}

/** A whole manifest around lines of a spec. The first of them is line 6. */
export function withSpec(...lines: readonly string[]): string {
  const head = [
    "apiVersion: orchestra/v1",
    "kind: Deployment",
    "metadata: { name: web }",
    "spec:",
    "  image: nginx:1.27",
  ];
  return [...head, ...lines.map((line) => `  ${line}`), ""].join("\n");
}

async function* chunks(text: string | Uint8Array): AsyncGenerator<Uint8Array> {
  yield typeof text === "string" ? Buffer.from(text) : text;
}
