// What only the whole set can tell: names used twice, Deployments that meet on a host or in what people call them. Pure.
import { type Port, templateDefaults } from "../model/template.ts";
import type { LoadedManifest } from "./loaded.ts";
import type { Place, Problem } from "./problem.ts";
import { hostAddress } from "./rules.ts";

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
    problems: repeatedNames(manifests),
    warnings: [...hostPortClashes(manifests), ...namesLikePods(manifests)],
  };
}

/** Each name that is there already, where it comes again. */
export function repeatedNames(manifests: readonly LoadedManifest[]): Problem[] {
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
  const seen = new PortHolders();
  const warnings: Problem[] = [];
  for (const [order, manifest] of manifests.entries()) {
    if (manifest.spec.replicas === 0) continue;
    for (const port of manifest.spec.template.ports ?? []) {
      if (port.hostPort === undefined) continue;
      const other = seen.other(order, port);
      if (other !== undefined) warnings.push(clash(manifest, manifests[other] as LoadedManifest, port));
      seen.add(order, port);
    }
  }
  return warnings;
}

/** Which manifests hold a port of a host, by their order. Looked up and not compared, so that ten thousand take no longer each than two. */
class PortHolders {
  /** The first two of each: one that asks is never told of itself. */
  readonly #holders = new Map<string, number[]>();

  add(order: number, port: Port): void {
    for (const key of [addressKey(port), anyKey(port)]) {
      const holders = this.#holders.get(key) ?? [];
      if (holders.length < 2 && !holders.includes(order)) this.#holders.set(key, [...holders, order]);
    }
  }

  /** The first of the others that this port can never share a host with. */
  other(order: number, port: Port): number | undefined {
    const isEverywhere = hostAddress(port) === templateDefaults.hostIP;
    const everywhere = addressKey({ ...port, hostIP: templateDefaults.hostIP });
    const keys = isEverywhere ? [anyKey(port)] : [addressKey(port), everywhere];
    const found = keys.flatMap((key) => this.#holders.get(key) ?? []).filter((holder) => holder !== order);
    return found.length > 0 ? Math.min(...found) : undefined;
  }
}

const anyKey = ({ hostPort, protocol = templateDefaults.protocol }: Port) => `${hostPort}/${protocol}`;
const addressKey = (port: Port) => `${anyKey(port)} ${hostAddress(port)}`;

function clash(manifest: LoadedManifest, other: LoadedManifest, port: Port): Problem {
  const wanted = anyKey(port);
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
