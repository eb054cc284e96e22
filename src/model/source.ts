// Where a Deployment comes from. Each has one source, and only that one changes it unasked.
import { OrchestraError } from "./errors.ts";

/** Of plain `apply` and `deploy`. It has no files of its own that could lack something. */
export const cliSource = "cli";

/** The Git commit that a Deployment was last written from. */
export interface SourceCommit {
  readonly id: string;
  readonly author: string;
  /** The first line of its message, at most 72 characters. */
  readonly subject: string;
}

const nameLimit = 63;

/** Whether a source is a folder or a branch that a sync follows under no other name: `dir:…` and `git:…`, as `sync status` shows them. */
export function isFollowed(source: string): boolean {
  return /^(dir|git):/.test(source);
}

/** A source as a person names it. Throws `invalid` for what could be taken for another kind of source, or for none. */
export function namedSource(text: string): string {
  const isName = /^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$/.test(text) && text.length <= nameLimit;
  if (isName && text !== cliSource) return text;
  const message =
    text === cliSource
      ? `${cliSource} is what comes from no named source`
      : `${JSON.stringify(text)} is no name of a source`;
  const hint = `take up to ${nameLimit} of a-z, 0-9, "-" and ".", as shop or shop.staging, and not ${cliSource}`;
  throw new OrchestraError("invalid", message, { hint });
}
