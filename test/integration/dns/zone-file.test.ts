// The zone file on a real disk: whoever reads it at any moment sees one zone, whole.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { zoneBody } from "../../../src/dns/zone.ts";
import { writeZoneFile } from "../../../src/dns/zone-file.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { readZone } from "../../support/zone-reader.ts";

const unixSeconds = 1_800_000_000;
const bodyOf = (count: number) =>
  zoneBody(
    Array.from({ length: count }, (_, at) => ({ type: "A", name: `web-${at}`, address: `10.42.${count % 256}.1` })),
  );

test("the same answers are not written again, others rise the serial", async (t) => {
  const path = join(await tempFolder(t), "dns", "zone");
  assert.equal(await writeZoneFile(path, bodyOf(1), unixSeconds), true);
  assert.equal(await writeZoneFile(path, bodyOf(1), unixSeconds + 60), false);
  assert.equal(readZone(await readFile(path, "utf8")).serial, unixSeconds);
  assert.equal(await writeZoneFile(path, bodyOf(2), unixSeconds - 60), true);
  assert.equal(readZone(await readFile(path, "utf8")).serial, unixSeconds + 1);
  assert.deepEqual(await readdir(join(path, "..")), ["zone"]);
});

test("a file that somebody spoilt is written again", async (t) => {
  const path = join(await tempFolder(t), "zone");
  await writeZoneFile(path, bodyOf(2), unixSeconds);
  const text = await readFile(path, "utf8");
  for (const spoilt of [text.slice(0, -9), `${text}evil IN A 6.6.6.6\n`, "", "nonsense"]) {
    await writeFile(path, spoilt);
    assert.equal(await writeZoneFile(path, bodyOf(2), unixSeconds + 5), true);
    assert.equal(readZone(await readFile(path, "utf8")).records.length, 2);
  }
});

test("a reader at 1 kHz sees whole zones only, and serials that never fall", async (t) => {
  const path = join(await tempFolder(t), "zone");
  const writes = 20 * Number(process.env["ORCHESTRA_TEST_ROUNDS"] ?? "10");
  await writeZoneFile(path, bodyOf(1), unixSeconds);
  let writing = true;
  let reads = 0;
  const reader = async () => {
    let last = 0;
    while (writing) {
      const { serial, records } = readZone(readFileSync(path, "utf8"));
      // Each zone has as many records as its addresses say.
      assert.ok(records.every(({ data }) => data === `10.42.${records.length % 256}.1`));
      assert.ok(serial >= last, `${last} → ${serial}`);
      last = serial;
      reads += 1;
      await delay(1);
    }
  };
  const reading = reader();
  // The writer must not go on alone when the reader has failed.
  reading.catch(() => {});
  for (let count = 1; count <= writes; count += 1) await writeZoneFile(path, bodyOf(count), unixSeconds);
  writing = false;
  await reading;
  assert.ok(reads > writes / 4, `${reads} reads in ${writes} writes`);
});
