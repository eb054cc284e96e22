// The zone file on disk: replaced as a whole and only when its answers change. CoreDNS would keep a half-written one for good.
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { nextSerial, parseZone, zoneText } from "./zone.ts";

/** Makes the file at `path` answer with `body`. Returns whether it had to be written. */
export async function writeZoneFile(path: string, body: string, unixSeconds: number): Promise<boolean> {
  const before = parseZone(await readOrEmpty(path));
  if (before?.body === body) return false;
  await replaceFile(path, zoneText(body, nextSerial(before?.serial, unixSeconds)));
  return true;
}

/** A reader sees the old text or the new one, also after a power cut. */
export async function replaceFile(path: string, text: string): Promise<void> {
  const folder = dirname(path);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const temporary = `${path}.tmp`;
  const file = await open(temporary, "w", 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  const directory = await open(folder);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** "" where there is no such file. */
export async function readOrEmpty(path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}
