// What a person names for a sync to follow: a folder, or a place in a Git repository. Pure.
import { OrchestraError } from "../model/errors.ts";
import { isRemote, refuseSecrets, shownUrl } from "./remote-url.ts";

export type Target =
  | { readonly kind: "directory"; readonly path: string }
  | {
      readonly kind: "git";
      /** As git is to be called with it. */
      readonly url: string;
      /** Without what may be a secret. */
      readonly shown: string;
      readonly branch: string;
      /** Within the repository, without slashes around it; empty: all of it. */
      readonly path: string;
    };

/** What a text is read against. */
export interface Here {
  /** Makes a path of this machine absolute. */
  readonly absolute: (path: string) => string;
  /** Whether there is a folder at an absolute path. */
  readonly isFolder: (path: string) => boolean;
}

/** Says that it is a folder, whatever it is called. */
const folderPrefix = "dir:";

const form =
  "write URL#BRANCH/PATH, as git@example.org:shop.git#main/deploy, or URL#BRANCH:PATH where the branch has a /";

/** A folder may have a # in its path: one that is there is meant, and no branch. Throws `invalid` for what is neither. */
export function targetOf(text: string, { absolute, isFolder }: Here): Target {
  if (text === "" || text === folderPrefix)
    throw new OrchestraError("invalid", "the name of the folder is empty", { hint: `name one, or ${form}` });
  if (text.startsWith(folderPrefix)) return { kind: "directory", path: absolute(text.slice(folderPrefix.length)) };
  refuseSecrets(text);
  const hash = text.lastIndexOf("#");
  if (hash < 0 && !isRemote(text)) return { kind: "directory", path: absolute(text) };
  if (!isElsewhere(text) && isFolder(absolute(text))) return { kind: "directory", path: absolute(text) };
  const url = hash < 0 ? text : text.slice(0, hash);
  const { branch, path } = placeOf(hash < 0 ? "" : text.slice(hash + 1));
  const bad = wrongWith(url, branch, path);
  if (bad !== undefined) throw new OrchestraError("invalid", bad, { hint: form });
  if (isElsewhere(url)) return { kind: "git", url, shown: shownUrl(url), branch, path };
  const local = absolute(url);
  return { kind: "git", url: local, shown: local, branch, path };
}

/** What `targetOf` makes the same target of, wherever it is said. */
export function targetText(target: Target): string {
  if (target.kind === "git") return `${target.url}#${target.branch}:${target.path}`;
  return target.path.includes("#") ? `${folderPrefix}${target.path}` : target.path;
}

/** As git has it: what stands before a colon is a host, unless a slash comes first. */
function isElsewhere(url: string): boolean {
  return isRemote(url) || /^[^/:]+:/.test(url);
}

/** `main/deploy`, `feature/x:deploy`, `main`. */
function placeOf(text: string): { readonly branch: string; readonly path: string } {
  const colon = text.indexOf(":");
  const end = colon >= 0 ? colon : text.indexOf("/");
  if (end < 0) return { branch: text, path: "" };
  return { branch: text.slice(0, end), path: text.slice(end + 1).replaceAll(/^\/+|\/+$/g, "") };
}

function wrongWith(url: string, branch: string, path: string): string | undefined {
  if (url === "" || url.startsWith("-")) return `"${url}" is no place of a Git repository`;
  if (branch === "") return "no branch is named";
  if (!/^[A-Za-z0-9_][A-Za-z0-9._/+@-]*$/.test(branch) || /\.\.|\/\/|@\{|\.lock$|[./]$/.test(branch)) {
    return `"${branch}" is no name of a branch`;
  }
  const parts = path.split("/");
  if (parts.includes("..") || parts.includes(".")) return `"${path}" is no folder within a repository`;
  return undefined;
}
