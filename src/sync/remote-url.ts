// What in a repository's URL may be a secret: what is refused for it, and what is left out where people or the store see it. Pure.
import { OrchestraError } from "../model/errors.ts";

/** Up to the first slash everything is user, password, host and port, whatever characters a password has. */
const authority = /^([a-z][a-z+.-]*:\/\/)([^/]*)/i;

/**
 * How the hosts of repositories begin their access tokens (GitHub, GitLab, Atlassian), and what is too long and too
 * random for somebody's name. Over HTTP most of them take a token as the user.
 */
const token = /^(gh[a-z]_|github_pat_|gl[a-z]+-|AT(BB|CTT3))|^(?=.*\d)[A-Za-z0-9_-]{32,}$/;

/** Whether git takes it for another machine's, whatever folders are here. */
export function isRemote(url: string): boolean {
  return /^[a-z][a-z+]*:\/\//i.test(url) || /^[^/:]+@[^/:]+:/.test(url);
}

/**
 * Throws `invalid`, without repeating it, for a place with a secret in it: what other users of the machine may see is
 * on the command line already, and must not go further. `text`: the URL as it was written, with its branch and path.
 */
export function refuseSecrets(text: string): void {
  const [, scheme, written = ""] = authority.exec(text) ?? [];
  const secret = scheme === undefined ? secretOfShort(text) : secretOf(scheme, written, text);
  if (secret === undefined) return;
  throw new OrchestraError("invalid", `the URL has ${secret} in it, which everybody on this machine can see`, {
    hint: "keep it in a Git credential helper (git help credentials), or use an SSH key",
  });
}

/** The URL as people and the store may see it: over HTTP without the user, over SSH that says whose repositories these are. */
export function shownUrl(url: string): string {
  return url.replace(/^(https?:\/\/)[^/]*@/i, "$1");
}

/** A line of git's, which may name another URL than ours (insteadOf): without users and passwords, and without what a URL asks for. */
export function withoutSecrets(line: string): string {
  return line.replaceAll(/([a-z][a-z+.-]*:\/\/)[^\s/]*@/gi, "$1").replaceAll(/(https?:\/\/[^\s?]*\?)[^\s'"]+/gi, "$1…");
}

function secretOf(scheme: string, written: string, text: string): string | undefined {
  const end = written.lastIndexOf("@");
  const user = end < 0 ? "" : written.slice(0, end);
  if (user.includes(":")) return "a password";
  if (token.test(user)) return "an access token";
  // Git asks by HTTP with a query of its own: one in the URL has no other use than a token.
  if (/^https?:/i.test(scheme) && /^[^#]*\?/.test(text)) return "a query";
  // A slash in a password that was not encoded: what stands before it reads as a host with a port that is no number.
  const port = /:([^:\]]*)$/.exec(written.slice(end + 1).split("#")[0] ?? "")?.[1];
  return port !== undefined && !/^\d*$/.test(port) ? "a port that is no number, or a password" : undefined;
}

/** Of `HOST:PATH`, which has no place for a password. */
function secretOfShort(text: string): string | undefined {
  if (/^[^/:@]+:[^/@]*@[^/:]+:/.test(text)) return "a password";
  return token.test(/^([^/:@]+)@/.exec(text)?.[1] ?? "") ? "an access token" : undefined;
}
