// Which /24 of the cluster range this node's network takes. Pure: the adapter brings what is taken.

/** One of the host's routes, the subnet of a Docker network, or the range of another node. */
export interface TakenRange {
  /** As `172.17.0.0/16`. */
  readonly range: string;
  /** A bridge of some engine on this host, or another node's: its part is taken, the rest of the cluster range may still be used. */
  readonly isBridge: boolean;
  /** For the refusal: `the route 10.0.0.0/8 of eth0`. */
  readonly name: string;
}

export interface SubnetRequest {
  readonly clusterRange: string;
  readonly taken: readonly TakenRange[];
  /** Nodes that choose at the same moment should not choose the same. */
  readonly seed: string;
  /** Taken again when it is free and lies in the cluster range. */
  readonly last?: string | undefined;
}

export type SubnetChoice = { readonly range: string; readonly gateway: string } | { readonly refused: string };

const prefixLength = 24;

/**
 * The /24 of last time, else the first free one of `clusterRange` from a place that depends on `seed`.
 * Refuses a range that meets one of the host's own routes: it would take that network away from the host.
 */
export function chooseSubnet({ clusterRange, taken, seed, last }: SubnetRequest): SubnetChoice {
  const cluster = parseRange(clusterRange);
  if (!cluster || cluster.length > prefixLength)
    return { refused: `${clusterRange} is not an IPv4 range that holds a /24` };
  const met = taken.filter((entry) => {
    const range = parseRange(entry.range);
    return range !== undefined && range.length > 0 && meets(range, cluster);
  });
  const foreign = met.find((entry) => !entry.isBridge);
  if (foreign) return { refused: `the cluster range ${clusterRange} meets ${foreign.name}` };
  const size = 2 ** (32 - prefixLength);
  const count = 2 ** (prefixLength - cluster.length);
  const offset = placeOf(last, cluster) ?? hash(seed) % count;
  for (let at = 0; at < count; at += 1) {
    const first = cluster.first + ((offset + at) % count) * size;
    const candidate = { first, length: prefixLength };
    if (met.some((entry) => meets(parseRange(entry.range) ?? candidate, candidate))) continue;
    return { range: `${formatAddress(first)}/${prefixLength}`, gateway: formatAddress(first + 1) };
  }
  return { refused: `every /24 of the cluster range ${clusterRange} is taken, by another node or on this host` };
}

/** Which of the cluster's /24s `last` is. */
function placeOf(last: string | undefined, cluster: Range): number | undefined {
  const range = last === undefined ? undefined : parseRange(last);
  if (range?.length !== prefixLength || !meets(range, cluster)) return undefined;
  return (range.first - cluster.first) / 2 ** (32 - prefixLength);
}

/** The routes of a Linux host, as `/proc/net/route` tells them. */
export function routesIn(table: string): TakenRange[] {
  const lines = table.trim().split("\n").slice(1);
  return lines.flatMap((line) => {
    const [device = "", destination = "", , , , , , mask] = line.trim().split(/\s+/);
    if (mask === undefined) return [];
    const range = `${littleEndian(destination)}/${bitsOf(mask)}`;
    return [{ range, isBridge: engineBridge.test(device), name: `the route ${range} of ${device}` }];
  });
}

/** How engines call their bridges. */
const engineBridge = /^(docker|br-|podman|cni)/;

function littleEndian(hex: string): string {
  return [6, 4, 2, 0].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join(".");
}

function bitsOf(mask: string): number {
  return [...Number.parseInt(mask, 16).toString(2)].filter((bit) => bit === "1").length;
}

interface Range {
  readonly first: number;
  readonly length: number;
}

function parseRange(text: string): Range | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(text);
  if (!match) return undefined;
  const bytes = match.slice(1, 5).map(Number);
  const length = Number(match[5]);
  if (bytes.some((byte) => byte > 255) || length > 32) return undefined;
  const address = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  const size = 2 ** (32 - length);
  return { first: Math.floor(address / size) * size, length };
}

/** Whether `range` is a part of `whole`. */
export function isWithin(range: string, whole: string): boolean {
  const [part, all] = [parseRange(range), parseRange(whole)];
  return part !== undefined && all !== undefined && part.length >= all.length && meets(part, all);
}

function meets(a: Range, b: Range): boolean {
  const end = (range: Range) => range.first + 2 ** (32 - range.length);
  return a.first < end(b) && b.first < end(a);
}

function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join(".");
}

/** FNV-1a: spreads short names well enough, and is the same everywhere. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const character of text) value = Math.imul(value ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return value;
}
