// Which folder a path means just now, and by which links: `current -> releases/v2` means another one tomorrow. Reads the links on the way.
import { lstatSync, readlinkSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { reasonOf } from "../manifest/manifest.ts";

/** A link on the way to a folder. */
export interface Link {
  /** Where it lies, by the path that no link is in. */
  readonly folder: string;
  readonly name: string;
}

export interface Folder {
  /** The path that no link is in. */
  readonly real: string;
  /** Of the file system that it lies on. */
  readonly dev: number;
  readonly links: readonly Link[];
  /** Another text as soon as the path means another folder, or gets there by another way. */
  readonly place: string;
}

/** As many as Linux itself follows. */
const linksLimit = 40;

/** The folder, or why it cannot be read. */
export function folderAt(path: string): Folder | string {
  try {
    return walk(path) ?? `${path} is no folder; follow the one that it lies in`;
  } catch (error) {
    const [message, hint] = reasonOf(error);
    return `${path}: ${message}; ${hint}`;
  }
}

/** Step by step, as the kernel does it. Undefined: there is something else. Throws what the file system says. */
function walk(path: string): Folder | undefined {
  let real = "/";
  const links: Link[] = [];
  const trail: string[] = [];
  const ahead = partsOf(path);
  for (let name = ahead.shift(); name !== undefined; name = ahead.shift()) {
    const at = join(real, name);
    const found = lstatSync(at);
    if (!found.isSymbolicLink()) {
      real = at;
      continue;
    }
    const target = readlinkSync(at);
    links.push({ folder: real, name });
    if (links.length > linksLimit) throw Object.assign(new Error("too many links"), { code: "ELOOP" });
    trail.push(`${found.dev}:${found.ino} ${target}`);
    ahead.unshift(...partsOf(target));
    if (isAbsolute(target)) real = "/";
  }
  const stats = lstatSync(real);
  if (!stats.isDirectory()) return undefined;
  const { dev, ino } = stats;
  return { real, dev, links, place: [...trail, `${dev}:${ino} ${real}`].join("\n") };
}

function partsOf(path: string): string[] {
  return path.split("/").filter((part) => part !== "" && part !== ".");
}
