// The zone file on disk: replaced as a whole and only when its answers change. CoreDNS would keep a half-written one for good.
import { readIfThere, replaceFile } from "../durable-file.ts";
import { nextSerial, parseZone, zoneText } from "./zone.ts";

/** Makes the file at `path` answer with `body`. Returns whether it had to be written. */
export async function writeZoneFile(path: string, body: string, unixSeconds: number): Promise<boolean> {
  const before = await readZoneFile(path);
  if (before?.body === body) return false;
  await replaceFile(path, zoneText(body, nextSerial(before?.serial, unixSeconds)));
  return true;
}

/** Undefined: there is none, or it is not ours. */
export async function readZoneFile(path: string): Promise<ReturnType<typeof parseZone>> {
  return parseZone((await readIfThere(path)) ?? "");
}
