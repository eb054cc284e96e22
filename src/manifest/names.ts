// Which files of a folder are manifests, as their names tell. Pure.
import { extname } from "node:path";

const extensions = [".yaml", ".yml", ".json"];

/** Dot files, and what editors and version control leave beside a file. */
export function isSkipped(name: string): boolean {
  return (
    name.startsWith(".") || name.startsWith("#") || name.endsWith("~") || /\.(swp|swo|bak|orig|rej|tmp)$/.test(name)
  );
}

/** Whether a file of this name is read where a folder is. */
export function isManifestName(name: string): boolean {
  return extensions.includes(extname(name).toLowerCase());
}
