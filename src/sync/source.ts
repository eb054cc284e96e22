// What a sync follows, as it shows itself at one moment. Pure: `directory.ts` and `git.ts` are the adapters.
import type { Tree } from "../manifest/manifest.ts";
import type { SourceCommit } from "../model/source.ts";
import type { Followed } from "../model/sync.ts";

/**
 * - `read`: all of it, at one moment
 * - `busy`: somebody is changing it just now; it is looked at again soon
 * - `away`: it cannot be read, which says nothing about what is in it
 */
export type Look =
  | {
      readonly state: "read";
      readonly tree: Tree;
      /** What it was read from, where that is Git. */
      readonly commit?: SourceCommit;
      /** Why this is the last that could be read, and maybe not the latest. */
      readonly trouble?: string;
      /** Why it does not come after what was applied last, where that is so: its history was written anew. */
      readonly rewritten?: string;
      /** So much longer it has to stay as it is before what it lacks counts as deleted: it may only be half written or half removed. Absent: it is whole. */
      readonly unsettledMs?: number;
      /** When it should be looked at again, whatever happens. */
      readonly againInMs?: number;
    }
  | { readonly state: "busy" | "away"; readonly reason: string; readonly againInMs: number };

export interface Source {
  /**
   * Never throws for what is wrong with the source. The same `tree` as long as nothing has changed in it.
   * `asked`: another text than before where somebody wants what is there now. `applied`: the commit that was applied last.
   */
  look(signal: AbortSignal, asked?: string, applied?: string): Promise<Look>;
  close(): Promise<void>;
}

/** The name of a source in Deployments: two nodes' `/manifests` are two. */
export function sourceName(follows: Followed): string {
  return follows.kind === "directory"
    ? `dir:${follows.node}:${follows.path}`
    : `git:${follows.url}#${follows.branch}:${follows.path}`;
}

const directoryName = /^dir:([a-z0-9-]+):(.*)$/s;

/** The node that follows in `other` the path which another node follows in `source`; undefined: these are not two such sources. */
export function nodeOfSamePath(other: string, source: string): string | undefined {
  const [, node, path] = directoryName.exec(other) ?? [];
  const [, own, ownPath] = directoryName.exec(source) ?? [];
  return node !== own && path === ownPath ? node : undefined;
}
