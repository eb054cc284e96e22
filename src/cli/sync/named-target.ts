// What a person on this machine means by a folder or a branch. Looks which folders there are.
import { statSync } from "node:fs";
import { resolve } from "node:path";
import { type Target, targetOf } from "../../sync/target.ts";

/** Throws `invalid` for what is neither. */
export function namedTarget(text: string): Target {
  return targetOf(text, { absolute: (path) => resolve(path), isFolder });
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}
