// What `up --sync` is told: the flags of `sync` under the same names, and how they go on to the process of `up --detach`.
import { Flags } from "@oclif/core";
import { OrchestraError } from "../../model/errors.ts";
import { sourceOf } from "../../roles.ts";
import type { RolesRecord } from "../../state-folder.ts";
import { type Target, targetText } from "../../sync/target.ts";
import { type Following, followFlags, listenFlag } from "../sync/follow-flags.ts";

const sharedFlags = { ...followFlags, "sync-listen": listenFlag };

export const upSyncFlags = {
  sync: Flags.string({
    summary: "Also keep the cluster equal to a folder or a Git branch, as orchestra sync does.",
    helpValue: "DIR|URL#BRANCH/PATH",
  }),
  ...withSync(sharedFlags),
};

/** What `up` follows besides. */
export interface UpSync {
  readonly following: Following;
  /** The flags that say so, as `givenWords` has them. */
  readonly given: readonly string[];
}

/** What a second `up` on this node compares. */
export function syncRecord({ following, given }: UpSync, node: string): NonNullable<RolesRecord["sync"]> {
  return { source: sourceOf(following.target, node), flags: given };
}

interface Parsed {
  readonly flags: Readonly<Record<string, unknown>>;
  readonly metadata: { readonly flags: Readonly<Record<string, { readonly setFromDefault?: boolean } | undefined>> };
}

/** The flags of a sync that were given, as words of a command line: what is only a default is none. */
export function givenWords({ flags, metadata }: Parsed): string[] {
  return Object.entries(sharedFlags).flatMap(([name, flag]) => {
    const value = flags[name];
    if (value === undefined || metadata.flags[name]?.setFromDefault) return [];
    if (typeof value === "string") return [`--${name}=${value}`];
    return value === true ? [`--${name}`] : flag.type === "boolean" && flag.allowNo ? [`--no-${name}`] : [];
  });
}

/** All that is said of a sync, for a process of another folder. Throws `invalid` for flags that say how nothing is followed. */
export function syncWords(target: Target | undefined, given: readonly string[]): readonly string[] {
  if (target) return ["--sync", targetText(target), ...given];
  const [first] = given;
  if (first === undefined) return [];
  throw new OrchestraError("invalid", `${first.replace(/=.*/s, "")} says how --sync follows, and needs it`, {
    hint: "add --sync with a folder or a Git branch, or leave it out",
  });
}

/** As they are, but for what their help says. */
function withSync<All extends Readonly<Record<string, { readonly summary?: string | undefined }>>>(all: All): All {
  const told = Object.entries(all).map(([name, flag]) => [name, { ...flag, summary: `With --sync: ${flag.summary}` }]);
  return Object.fromEntries(told) as All;
}
