// A node: a machine with a Docker engine and an orchestra worker.
import type { Act } from "./deployment.ts";
import type { Resources } from "./template.ts";

/** `nodes/<node>`. Written by that worker when it starts and when something changed. */
export interface NodeDocument {
  /** Where other machines reach it. */
  readonly address: string;
  /** What pods can reserve in all; pods: 0 means that the engine tells no limit. */
  readonly capacity: Resources;
  /** As Docker spells them: `linux`, `amd64`. */
  readonly platform: { readonly os: string; readonly arch: string };
  readonly labels: Readonly<Record<string, string>>;
  readonly versions: {
    readonly orchestra: string;
    readonly docker: string;
    readonly dockerApi: string;
    readonly kernel: string;
  };
  /** The bridge network of this node, once it exists. */
  readonly network?: {
    readonly name: string;
    readonly range: string;
    readonly gateway: string;
    /** Why its containers and those of other nodes do not reach each other. */
    readonly problem?: string;
  };
  /** Random, kept in the node's state folder: tells its own restart from a stranger with its name. */
  readonly key: string;
}

/** `presence/<node>`: ephemeral, exists while the worker is alive. */
export interface PresenceDocument {
  readonly key: string;
  /** Which machine, boot and state folder: who has the same one and the folder's lock has survived this process. */
  readonly place?: string;
  /** Of the machine, for people. */
  readonly address?: string;
  readonly pid: number;
  readonly since: string;
}

/**
 * What the master concluded about a node. Only the master turns presence into a verdict; everyone else reads it.
 * `absent`: its worker is not there, and its pods are left as they are. `lost`: it has been absent for too long, and its pods get
 * successors elsewhere. `since`: of this state, for people.
 * `engineLost` (since when): its worker is there, so that its statuses are true, and its engine has been silent for too long: its pods get
 * successors elsewhere, too.
 */
export type Verdict =
  | { readonly state: "present"; readonly engineLost?: string }
  | { readonly state: "absent" | "lost"; readonly since: string };

/** So many nodes are absent, or have silent engines, at once that it is probably not them: nothing is declared lost, moved or stopped for it. */
export interface Hold {
  readonly since: string;
  readonly reason: string;
}

/** `verdicts`. Written by the master. */
export interface VerdictsDocument {
  readonly nodes: Readonly<Record<string, Verdict>>;
  readonly hold?: Hold;
}

/** `controls/nodes/<node>`. Written by operators; the master removes what it has carried out. */
export interface ControlDocument {
  readonly cordoned?: Act;
  /** Its pods are to be replaced elsewhere, within the limits of each rollout. Said together with `cordoned`. */
  readonly drained?: Act;
  /** The machine will not come back: the master drops its pods and its documents. Withdrawn when its worker is there all the same. */
  readonly forget?: Act;
}
