// A sync whose process is killed again and again while files change: in the end the store is equal to the folder, and nothing was done twice.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { nameOf } from "../../../src/model/keys.ts";
import { randomOf, roundsOf, seed } from "../../support/rounds.ts";
import { manifestText, syncLab } from "../../support/sync-lab.ts";

const program = fileURLToPath(new URL("../../../bin/dev.js", import.meta.url));
const kills = roundsOf({ test: 4, soak: 100 });
const names = Array.from({ length: 30 }, (_, index) => `d${index}`);
/** A start takes some 300 ms here; every moment of a pass is met sooner or later. */
const longestLifeMs = 700;

test(`killed ${kills} times at random, the end is equal to the folder, and nothing was done twice (seed ${seed})`, async (t) => {
  const random = randomOf("killed sync");
  const lab = await syncLab(t);
  const start = () => {
    const words = ["sync", lab.folder, "--max-affected", "100", "--max-replace", "100"];
    const state = { ORCHESTRA_STATE_DIR: join(lab.beside, "state"), ORCHESTRA_CACHE_DIR: join(lab.beside, "cache") };
    const env = { ...process.env, ...state, ORCHESTRA_STORE: `file:${join(lab.beside, "store.db")}` };
    const child = spawn(process.execPath, [program, ...words], { env, stdio: "ignore" });
    t.after(() => child.kill("SIGKILL"));
    return child;
  };
  const versions = new Map<string, number>();
  const change = async (name: string) => {
    const version = (versions.get(name) ?? 0) + 1;
    versions.set(name, version);
    await lab.save(`${name}.yaml`, manifestText(name, `a:${version}`));
  };
  const uids = new Map<string, string>();
  for (const name of names) await change(name);
  for (let round = 0; round < kills; round += 1) {
    const child = start();
    const life = pause(random() * longestLifeMs);
    for (const name of names) if (random() < 0.3) await change(name);
    await life;
    const ended = once(child, "close");
    child.kill("SIGKILL");
    await ended;
    for (const { key, value } of (await lab.store.list(["deployments"])).list("deployments")) {
      assert.equal(uids.get(nameOf(key)) ?? value.uid, value.uid, `${key} is the one that it was`);
      uids.set(nameOf(key), value.uid);
    }
  }
  start();
  await lab.settled(Object.fromEntries(names.map((name) => [name, `a:${versions.get(name)}`])));
  for (const { key, value } of (await lab.store.list(["deployments"])).list("deployments")) {
    const name = nameOf(key);
    assert.ok(value.generation <= (versions.get(name) ?? 0), `${name} was written at most once for each version`);
    assert.equal(uids.get(name) ?? value.uid, value.uid, `${name} is the one that it was`);
  }
});
