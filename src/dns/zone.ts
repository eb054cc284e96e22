// Records → the text of the zone file, and the serial in its head. Pure.
// The file itself is the only memory of the serial: whoever writes the next zone reads the last one first.
import { clusterDomain } from "../model/cluster.ts";
import type { DnsRecord } from "./records.ts";

/** How long anybody may keep an answer, or the lack of one. A drain counts on it: see `defaultDrainSeconds`. */
const ttlSeconds = 2;

/**
 * The zone without its head. Two bodies are equal when and only when the answers are.
 * It has no NS record: CoreDNS would add it to every positive answer, and large ones are cut at 512 bytes.
 */
export function zoneBody(records: readonly DnsRecord[]): string {
  return records.map((record) => `${lineOf(record)}\n`).join("");
}

/** The whole file. The SOA comes first: CoreDNS reads no further when its serial is the one it knows. */
export function zoneText(body: string, serial: number): string {
  // Resolvers keep "no such name" for the lesser of the SOA's own TTL and its last number, so both are the TTL.
  const timers = `${serial} 5 2 86400 ${ttlSeconds}`;
  return `$ORIGIN ${clusterDomain}.\n$TTL ${ttlSeconds}\n@ IN SOA ns hostmaster ${timers}\n${body}`;
}

/** What an existing file says, or undefined when it is none that `zoneText` wrote. */
export function parseZone(text: string): { readonly serial: number; readonly body: string } | undefined {
  const serial = Number(/^@ IN SOA ns hostmaster (\d+) /m.exec(text)?.[1]);
  if (!(serial > 0 && serial < 2 ** 32)) return undefined;
  const head = zoneText("", serial);
  return text.startsWith(head) ? { serial, body: text.slice(head.length) } : { serial, body: "damaged" };
}

/**
 * The serial after `previous`: at least one higher, and as a rule the time, so that it does not fall even when the file is lost
 * (`previous` undefined). Higher as RFC 1982 counts, where 1 follows 2^32 - 1; never 0, which CoreDNS refuses.
 */
export function nextSerial(previous: number | undefined, unixSeconds: number): number {
  const now = unixSeconds >>> 0 || 1;
  if (previous === undefined) return now;
  const next = (previous + 1) >>> 0 || 1;
  // The difference as a signed number of 32 bits: positive when `now` is the later one.
  return ((now - next) | 0) > 0 ? now : next;
}

function lineOf(record: DnsRecord): string {
  // Priority 0, weight 50: all targets alike.
  const data = record.type === "A" ? record.address : `0 50 ${record.port} ${record.target}`;
  return `${record.name} IN ${record.type} ${data}`;
}
