// What a decision is made of: shared by the function that makes it and those that carry it out or show it.
import type { Placement, PodsDocument } from "../model/pod.ts";
import type { Explanation } from "../scheduler/explain.ts";

/** What changes for one Deployment; committed together or not at all. */
export interface DeploymentChange {
  readonly deployment: string;
  /** The next document; undefined: none is left. */
  readonly pods: PodsDocument | undefined;
  /** The Deployment was deleted and nothing is left of it: its document and its revisions go too. */
  readonly finished: boolean;
  /** New placements, and those that are told to stop. */
  readonly placements: readonly { readonly node: string; readonly placement: Placement }[];
  /** Placements that go, because their pod has stopped. */
  readonly gone: readonly { readonly node: string; readonly pod: string }[];
}

/** A pod that fits on no node now. */
export interface UnplacedPod {
  readonly deployment: string;
  readonly slot: number;
  /** Why, for each reason and each node; worked out when asked. For its texts see `scheduler/explain.ts`. */
  readonly explain: () => Explanation;
}

/** A pod that is told to stop before its successor is ready. */
export interface StopFirst {
  readonly deployment: string;
  readonly slot: number;
  readonly pod: string;
  /** What of it was all that kept the successor from being placed. */
  readonly holds: "hostPort" | "maxPerNode";
}

/** Nothing more is done for this Deployment until a person has looked. */
export interface Problem {
  readonly deployment: string;
  readonly message: string;
}

export interface Decision {
  /** By Deployment. Empty, as are all unused revisions: nothing to do. */
  readonly changes: readonly DeploymentChange[];
  /** Revisions that nothing names any more. */
  readonly unusedRevisions: readonly { readonly deployment: string; readonly revision: string }[];
  /** Nodes whose documents go, once nothing of them is left in `changes`. */
  readonly forgotten: readonly string[];
  /** Nodes that were to be forgotten and are there. */
  readonly returned: readonly string[];
  /** By pod. */
  readonly unplaced: ReadonlyMap<string, UnplacedPod>;
  readonly stopFirst: readonly StopFirst[];
  readonly problems: readonly Problem[];
  /** When this leader saw each marker first: `firstSeen` of its next moment. */
  readonly firstSeen: ReadonlyMap<string, number>;
  /** Look again then even if nothing changes. */
  readonly againInMs?: number;
}
