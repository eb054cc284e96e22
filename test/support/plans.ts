// Builders for what plans are made of. Hashes here are real ones of the JSON given, so equal specs are equal and others are not.
import { createHash } from "node:crypto";
import type { Author, Wanted } from "../../src/apply/document.ts";
import type { KnownState, Plan } from "../../src/apply/plan.ts";
import type { DeploymentSpec } from "../../src/model/deployment.ts";
import type { PodTemplate } from "../../src/model/template.ts";

export function author(by = "ann", at = "2026-01-01T00:00:00.000Z"): Author {
  let uids = 0;
  return { by, at, source: "cli", newUid: () => `${by}${(uids++).toString(16).padStart(8, "0")}` };
}

export function wanted(
  name: string,
  { image = "demo:1", ...spec }: Partial<DeploymentSpec> & { image?: string } = {},
): Wanted {
  const whole: DeploymentSpec = { name, template: { image }, ...spec };
  return { spec: whole, revision: hash(whole.template), manifestHash: hash(whole) };
}

export function templated(name: string, template: Partial<PodTemplate>, replicas?: number): Wanted {
  return wanted(name, { template: { image: "demo:1", ...template }, ...(replicas === undefined ? {} : { replicas }) });
}

export const nothingKnown: KnownState = { deployments: new Map(), revisions: new Map() };

/** The state after a plan was committed, as a store would hold it. */
export function committed(state: KnownState, plan: Plan): KnownState {
  const deployments = new Map(state.deployments);
  const revisions = new Map(state.revisions);
  for (const { name, after, before, revision } of plan.items) {
    if (after) deployments.set(name, { value: after, version: (before?.version ?? 0) + 1 });
    if (after && revision?.version === "absent") {
      revisions.set(`${name}/${after.revision}`, { value: revision.template, version: 1 });
    }
  }
  return { deployments, revisions };
}

function hash(value: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify(sorted(value)))
    .digest("hex")
    .slice(0, 12);
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => [key, sorted(inner)]);
}
