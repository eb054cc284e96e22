// What was applied last, each Deployment by itself, in few enough bytes for one document: 10,000 take 80 kB. Pure.
// A sync that does not take back what was changed by hand needs it to tell what the files have changed since from what a hand has: also of a
// Deployment that is gone, of which nothing else is left.
import { createHash } from "node:crypto";
import type { LoadedManifest } from "../manifest/manifest.ts";

/** Characters of a mark, 48 bits: of 10,000 none is taken for another's by chance. */
const markLength = 8;

/** All of them in one text, which is the same for the same manifests. */
export function marksOf(manifests: readonly LoadedManifest[]): string {
  return manifests.map(markOf).sort().join("");
}

/** Those of the manifests that said just this when the marks were made. */
export function saidBefore(manifests: readonly LoadedManifest[], marks: string): Set<string> {
  const known = new Set<string>();
  for (let at = 0; at < marks.length; at += markLength) known.add(marks.slice(at, at + markLength));
  return new Set(manifests.flatMap((manifest) => (known.has(markOf(manifest)) ? [manifest.spec.name] : [])));
}

function markOf({ spec, manifestHash }: LoadedManifest): string {
  return createHash("sha256").update(`${spec.name} ${manifestHash}`).digest("base64url").slice(0, markLength);
}
