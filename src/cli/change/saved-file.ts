// Files that orchestra keeps for people and reads again later: plans and snapshots. One JSON document each, which names its kind and form
// and carries a checksum of all it says, so that a reader knows whether it is ours, whole, and as it was written.
import { createHash } from "node:crypto";
import { lstat, open, realpath, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { createFile, replaceFile } from "../../durable-file.ts";
import { canonicalJson } from "../../manifest/hash.ts";
import { type ErrorCode, messageOf, OrchestraError } from "../../model/errors.ts";

/** What kind of file it is, and how it is spoken of. */
export interface SavedKind {
  readonly kind: string;
  /** `plan`, `snapshot`. */
  readonly noun: string;
  /** Of what is in it; a newer one is refused. */
  readonly format: number;
  readonly bytesLimit: number;
  /** How one is made. */
  readonly hint: string;
  /** The flags that name one. */
  readonly written: FileFlag;
  readonly read: FileFlag;
  /** What a file is refused with that is whole and ours, and does not say what it said when it was written. */
  readonly altered: ErrorCode;
}

interface FileFlag {
  readonly flag: string;
  /** What to do where it was given `-`, which elsewhere is standard input or output. */
  readonly insteadOfDash: string;
}

/** The text of a file of this kind. */
export function savedText({ kind, format }: SavedKind, body: object): string {
  // As a reader will find it: what is undefined is not there.
  const said: object = JSON.parse(JSON.stringify({ apiVersion: "orchestra/v1", kind, format, ...body }));
  return `${JSON.stringify({ ...said, sha256: checksumOf(said) }, undefined, 1)}\n`;
}

/** Writes the document for its owner only, whole or not at all. Throws `conflict` where something lies that is no file of this kind, and `invalid` where its folder is not there. */
export async function writeSaved(path: string, about: SavedKind, body: object): Promise<void> {
  const text = savedText(about, body);
  refuseNameless(path, about, about.written);
  await refuseNowhere(path);
  if (Buffer.byteLength(text) > about.bytesLimit) throw tooLarge(path, about, "would have");
  try {
    if (await createFile(path, text)) return;
    // Who keeps a link there wants the file that it leads to to be the new one, as a shell's > makes it.
    const file = await fileAt(path);
    await refuseForeign(path, file, about);
    await replaceFile(file, text);
  } catch (error) {
    if (error instanceof OrchestraError) throw error;
    throw new OrchestraError("unavailable", `${path} cannot be written: ${messageOf(error)}`, {
      hint: "check the disk and the path",
      cause: error,
    });
  }
}

/** What a file of this kind says. Throws `invalid` for anything else, and the kind's own code for one that was changed after it was written. */
export async function readSaved(path: string, about: SavedKind): Promise<Readonly<Record<string, unknown>>> {
  const { kind, noun, format, hint } = about;
  refuseNameless(path, about, about.read);
  const document = recordOf(await textOf(path, about));
  if (!document) throw refused(`${path} is no JSON document, or not a whole one`, hint);
  if (document["kind"] !== kind) throw refused(`${path} is no ${noun} of orchestra`, hint);
  const found = document["format"];
  if (typeof found === "number" && found > format) {
    const message = `${path} was written by a newer orchestra (format ${found}; this one knows ${format})`;
    throw refused(message, "use the orchestra that wrote it");
  }
  const { sha256, ...said } = document;
  if (found === format && sha256 !== undefined && sha256 === checksumOf(said)) return said;
  throw new OrchestraError(about.altered, `the ${noun} ${path} does not say what it said when it was made`, {
    hint: `somebody has edited it, or it is damaged; ${hint}`,
  });
}

function refuseNameless(path: string, { noun, hint }: SavedKind, { flag, insteadOfDash }: FileFlag): void {
  if (path === "") throw refused(`the name of the ${noun}'s file is empty`, hint);
  if (path === "-") throw refused(`${flag} needs a file, and - is none; ./- is one of that name`, insteadOfDash);
}

/** A folder that is not there is a slip more often than a wish. */
async function refuseNowhere(path: string): Promise<void> {
  const folder = dirname(path);
  const found = await stat(folder).catch(() => undefined);
  if (!found?.isDirectory())
    throw refused(`${path} cannot be written: there is no folder ${folder}`, "make it first, or check the path");
}

/** Where `path` leads to in the end. Throws `conflict` for a link to nothing. */
async function fileAt(path: string): Promise<string> {
  if (!(await lstat(path)).isSymbolicLink()) return path;
  return realpath(path).catch((cause: unknown) => {
    throw new OrchestraError("conflict", `${path} is a link that leads to no file; it was left as it is`, {
      hint: "remove the link first, or give another name",
      cause,
    });
  });
}

/** Whoever names the wrong file must not lose it. */
async function refuseForeign(path: string, file: string, about: SavedKind): Promise<void> {
  const isFile = (await lstat(file)).isFile();
  const found = isFile ? recordOf(await textOf(file, about).catch(() => "")) : undefined;
  if (found?.["kind"] === about.kind) return;
  const is = file === path ? "is there already and is" : `leads to ${file}, which is`;
  throw new OrchestraError("conflict", `${path} ${is} no ${about.noun}; it was left as it is`, {
    hint: "give another name, or remove it first",
  });
}

/** Never more than the limit is read, whatever the file is. */
async function textOf(path: string, about: SavedKind): Promise<string> {
  try {
    const file = await open(path, "r");
    try {
      const found = await file.stat();
      if (found.isDirectory()) throw refused(`${path} is a folder, and no ${about.noun}`, about.hint);
      if (found.size > about.bytesLimit) throw tooLarge(path, about, "has");
      const chunks: Buffer[] = [];
      let bytes = 0;
      for await (const chunk of file.createReadStream({ autoClose: false })) {
        bytes += chunk.length;
        if (bytes > about.bytesLimit) throw tooLarge(path, about, "has");
        chunks.push(chunk);
      }
      return Buffer.concat(chunks).toString("utf8");
    } finally {
      await file.close();
    }
  } catch (error) {
    if (error instanceof OrchestraError) throw error;
    const isAbsent = (error as NodeJS.ErrnoException).code === "ENOENT";
    const message = isAbsent ? `there is no file ${path}` : `${path} cannot be read: ${messageOf(error)}`;
    throw new OrchestraError("invalid", message, { hint: about.hint, cause: error });
  }
}

function tooLarge(path: string, { noun, bytesLimit }: SavedKind, has: string): OrchestraError {
  const message = `${path} is too large: a ${noun} may have ${bytesLimit / 1024 ** 2} MiB, and it ${has} more`;
  return refused(message, "name fewer files, or check the path");
}

function refused(message: string, hint: string): OrchestraError {
  return new OrchestraError("invalid", message, { hint });
}

function recordOf(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

/** Of what it says, not of how it is laid out; undefined for what is nested so deeply that none of ours can be. */
function checksumOf(document: object): string | undefined {
  try {
    return createHash("sha256").update(canonicalJson(document)).digest("hex");
  } catch {
    return undefined;
  }
}
