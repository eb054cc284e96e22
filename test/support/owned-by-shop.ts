// Deployments of one source, `shop`, with the pods that a master would have made of them: for tests of what a pass may do to it.
import type { Author, Wanted } from "../../src/apply/document.ts";
import { type KnownState, planApply } from "../../src/apply/plan.ts";
import { wantedReplicas } from "../../src/model/deployment.ts";
import type { PodsDocument } from "../../src/model/pod.ts";
import { pod, podsDocument } from "./builders.ts";
import { author, committed, nothingKnown, wanted } from "./plans.ts";

export const shop: Author = { ...author(), source: "shop" };
export const names = (count: number, from = 0) => Array.from({ length: count }, (_, index) => `d${from + index}`);
export const images = (list: readonly string[], image = "demo:1", replicas = 1): Wanted[] =>
  list.map((name) => wanted(name, { image, replicas, labels: { name } }));
/** As a master makes them: all that are wanted, of the revision that is wanted. */
export const running = ({ deployments }: KnownState, revision?: string): Map<string, PodsDocument> =>
  new Map(
    [...deployments].map(([name, { value }]) => {
      const slots = Array.from({ length: wantedReplicas(value) }, (_, slot) => slot);
      const records = slots.map((slot) => pod(name, { slot, revision: revision ?? value.revision }));
      return [name, podsDocument(records, { uid: value.uid })];
    }),
  );
export const owning = (...manifests: Wanted[]) => committed(nothingKnown, planApply(nothingKnown, manifests, shop));
