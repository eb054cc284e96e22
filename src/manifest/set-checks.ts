// What only the whole set can tell: names used twice, Deployments that meet on a host or in what people call them. Pure.
import type { Port } from "../model/template.ts";
import type { LoadedManifest } from "./loaded.ts";
import type { Place, Problem } from "./problem.ts";
import { meetOnHost } from "./rules.ts";

export interface SetFindings {
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/**
 * Problems: a name that is used twice. Warnings: what may be meant.
 * Two Deployments that want the same port of a host are a warning, because another node may have room for the second;
 * only the scheduler, which knows the nodes, can say that there is none.
 */
export function checkSet(manifests: readonly LoadedManifest[]): SetFindings {
  return {
    problems: duplicates(manifests),
    warnings: [...hostPortClashes(manifests), ...namesLikePods(manifests)],
  };
}

function duplicates(manifests: readonly LoadedManifest[]): Problem[] {
  const first = new Map<string, LoadedManifest>();
  return manifests.flatMap((manifest) => {
    const earlier = first.get(manifest.spec.name);
    if (!earlier) {
      first.set(manifest.spec.name, manifest);
      return [];
    }
    const message = `the name ${manifest.spec.name} is used at ${placeText(earlier.place)} already`;
    return [{ ...placed(manifest.place), path: "metadata.name", message, hint: "rename one of them or delete it" }];
  });
}

function hostPortClashes(manifests: readonly LoadedManifest[]): Problem[] {
  // By number, so that ten thousand manifests are not compared with each other.
  const seen = new Map<number, { manifest: LoadedManifest; port: Port }[]>();
  const warnings: Problem[] = [];
  for (const manifest of manifests) {
    if (manifest.spec.replicas === 0) continue;
    for (const port of manifest.spec.template.ports ?? []) {
      if (port.hostPort === undefined) continue;
      const earlier = seen.get(port.hostPort) ?? [];
      const other = earlier.find((candidate) => candidate.manifest !== manifest && meetOnHost(candidate.port, port));
      if (other) warnings.push(clash(manifest, other.manifest, port));
      seen.set(port.hostPort, [...earlier, { manifest, port }]);
    }
  }
  return warnings;
}

function clash(manifest: LoadedManifest, other: LoadedManifest, port: Port): Problem {
  const wanted = `${port.hostPort}/${port.protocol ?? "TCP"}`;
  return {
    ...placed(manifest.place),
    path: "spec.ports",
    message: `${manifest.spec.name} and ${other.spec.name} (${placeText(other.place)}) both want host port ${wanted}`,
    hint: "they can never run on the same node: choose another hostPort unless there are nodes enough",
  };
}

/**
 * In DNS names of two Deployments never meet: `web-0.web` lies below `web`, and no other Deployment has names there.
 * Pod names do not meet either: what follows the last "-" is the slot. But a Deployment can be called as another's pod is,
 * and then a bare name on the command line means both.
 */
function namesLikePods(manifests: readonly LoadedManifest[]): Problem[] {
  const names = new Set(manifests.map((manifest) => manifest.spec.name));
  return manifests.flatMap(({ spec: { name }, place }) => {
    const [, owner, slot] = /^(.+)-(0|[1-9][0-9]{0,3})$/.exec(name) ?? [];
    if (owner === undefined || !names.has(owner)) return [];
    const message = `${name} is also what people call the pod in slot ${slot} of ${owner}`;
    const hint = `say deployment/${name} or pod/${name} on the command line, or rename it`;
    return [{ ...placed(place), path: "metadata.name", message, hint }];
  });
}

function placed(place: Place | undefined) {
  return place ?? { file: "(flags)" };
}

function placeText(place: Place | undefined): string {
  return place ? `${place.file}:${place.line}:${place.column}` : "(flags)";
}
