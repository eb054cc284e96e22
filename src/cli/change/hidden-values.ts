// Values that may be secrets, as keyed hashes: who has only those can tell a change from no change, and reads nothing. Pure but for the key,
// which its caller draws.
import { createHmac } from "node:crypto";
import type { LoadedManifest } from "../../manifest/manifest.ts";
import type { PodTemplate, Probe } from "../../model/template.ts";

/** Characters of a hash, 126 bits: two values never share one by chance. */
const hashCharacters = 21;

/** Hides the values of a template of this Deployment: of its environment, and of its probes' headers. Never two places alike. */
export type Hide = (deployment: string, template: PodTemplate) => PodTemplate;

/** `salt`: random, in hex. */
export function hideWith(salt: string): Hide {
  const key = Buffer.from(salt, "hex");
  const hashOf = (place: readonly string[]) => {
    const hash = createHmac("sha256", key).update(JSON.stringify(place)).digest("base64url");
    return `hidden:${hash.slice(0, hashCharacters)}`;
  };
  return (deployment, template) => {
    const { env, readiness, liveness } = template;
    const hidden = (place: string, values: Readonly<Record<string, string>>) =>
      Object.fromEntries(
        Object.entries(values).map(([name, value]) => [name, hashOf([deployment, place, name, value])]),
      );
    const probe = (place: string, found: Probe): Probe =>
      found.http?.headers ? { ...found, http: { ...found.http, headers: hidden(place, found.http.headers) } } : found;
    return {
      ...template,
      ...(env ? { env: hidden("env", env) } : {}),
      ...(readiness ? { readiness: probe("readiness", readiness) } : {}),
      ...(liveness ? { liveness: probe("liveness", liveness) } : {}),
    };
  };
}

/** Manifests to be compared with what is hidden in the same way. Their hashes stay those of what they say. */
export function hiddenManifests(manifests: readonly LoadedManifest[], hide: Hide): LoadedManifest[] {
  return manifests.map((manifest) => {
    const { spec } = manifest;
    return { ...manifest, spec: { ...spec, template: hide(spec.name, spec.template) } };
  });
}
