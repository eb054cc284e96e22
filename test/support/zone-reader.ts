// A strict reader of the zone files that orchestra writes: it takes no other syntax than what RFC 1035 and RFC 2782 say of plain lines,
// so what it accepts every name server reads the same way.
import assert from "node:assert/strict";

export interface ZoneLine {
  readonly name: string;
  readonly type: string;
  readonly data: string;
}

const label = "_?[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?";
const name = `${label}(\\.${label})*`;
const byte = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const data: Readonly<Record<string, RegExp>> = {
  A: new RegExp(`^${byte}(\\.${byte}){3}$`),
  SRV: new RegExp(`^[0-9]{1,5} [0-9]{1,5} [0-9]{1,5} ${name}$`),
};

/** The serial and the records of a zone. Throws with the line that is wrong. */
export function readZone(text: string): { readonly serial: number; readonly records: readonly ZoneLine[] } {
  const [origin, ttl, soa, ...rest] = text.split("\n");
  assert.equal(origin, "$ORIGIN cluster.local.");
  assert.equal(ttl, "$TTL 2");
  const serial = Number(/^@ IN SOA ns hostmaster ([0-9]+) 5 2 86400 2$/.exec(soa ?? "")?.[1]);
  assert.ok(serial > 0 && serial < 2 ** 32, `serial in "${soa}"`);
  assert.equal(rest.pop(), "", "the last line ends");
  const records = rest.map((line) => readLine(line));
  const targets = records.filter(({ type }) => type === "SRV").map((record) => record.data.split(" ")[3]);
  const addressed = new Set(records.filter(({ type }) => type === "A").map((record) => record.name));
  for (const target of targets) assert.ok(addressed.has(target ?? ""), `no address for ${target}`);
  assert.equal(new Set(rest).size, rest.length, "no record twice");
  return { serial, records };
}

function readLine(line: string): ZoneLine {
  const [owner = "", inClass, type = "", ...others] = line.split(" ");
  const record = { name: owner, type, data: others.join(" ") };
  assert.match(owner, new RegExp(`^${name}$`), line);
  for (const part of owner.split(".")) assert.ok(part.length <= 63, line);
  assert.equal(inClass, "IN", line);
  assert.match(record.data, data[type] ?? assert.fail(`type in "${line}"`), line);
  return record;
}
