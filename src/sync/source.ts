// What a sync follows, as it shows itself at one moment. Pure: `directory.ts` and `git.ts` are the adapters.
import type { Tree } from "../manifest/manifest.ts";
import type { Followed } from "../model/sync.ts";

/**
 * - `read`: all of it, at one moment
 * - `busy`: somebody is changing it just now; it is looked at again soon
 * - `away`: it cannot be read, which says nothing about what is in it
 */
export type Look =
  | { readonly state: "read"; readonly tree: Tree }
  | { readonly state: "busy" | "away"; readonly reason: string; readonly againInMs: number };

export interface Source {
  readonly follows: Followed;
  /** Never throws for what is wrong with the source. The same `tree` as long as nothing has changed in it. */
  look(signal: AbortSignal): Promise<Look>;
  close(): Promise<void>;
}

/** The name of a source in Deployments: two hosts' `/manifests` are two. */
export function sourceName(follows: Followed): string {
  return follows.kind === "directory"
    ? `dir:${follows.host}:${follows.path}`
    : `git:${follows.url}#${follows.branch}:${follows.path}`;
}
