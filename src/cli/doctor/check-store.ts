// doctor: the store. Opens it as every command does, and tries the disk under it with a file that nobody else can see.
import { closeSync, fsyncSync, openSync, statSync, unlinkSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { stateCollections } from "../../model/cluster-state.ts";
import { isOrchestraError, messageOf } from "../../model/errors.ts";
import { clusterKey } from "../../model/keys.ts";
import type { StoreAccess } from "../../model/store-access.ts";
import { openStore, storePath } from "../../store/open-store.ts";
import type { Store } from "../../store/store.ts";
import { type Check, fail, ok, warn } from "./checks.ts";

/** A commit waits for the disk once or twice; slower than this, and people notice. */
const slowSyncMs = 100;

/** `store` is open, for the checks that follow; the caller closes it. */
export async function checkStore(
  url: string,
  access: StoreAccess,
): Promise<{ readonly checks: Check[]; readonly store?: Store }> {
  const path = url.startsWith("file:") ? storePath(url) : undefined;
  const others = path === undefined ? await checkThere(url, access) : [];
  try {
    const store = await openStore(url, { create: false, access: () => access });
    const cluster = await store.read(clusterKey);
    const { position } = await store.list(stateCollections);
    const name = cluster ? `, cluster ${cluster.value.id}` : "";
    const text = `${path ?? url}${name}${path === undefined ? "" : `, ${size(path)}`}, ${position} commits`;
    const disk = path === undefined ? [] : [checkSync(dirname(path))];
    return { checks: [ok("Store", text), ...disk, ...others], store };
  } catch (error) {
    if (isOrchestraError(error, "not-found")) {
      return { checks: [ok("Store", "none yet: orchestra up creates it"), ...others] };
    }
    const mend = (isOrchestraError(error) && error.hint) || "put a backup in its place";
    return { checks: [fail("Store", messageOf(error), mend), ...others] };
  }
}

/** Loaded only here: a store on one machine does without. */
async function checkThere(url: string, access: StoreAccess): Promise<Check[]> {
  const { checkServers } = await import("./check-zookeeper.ts");
  return checkServers(url, access);
}

function size(path: string): string {
  return `${Math.ceil(statSync(path).size / 1024)} KiB`;
}

/** Unlinked as soon as it is open: not even a crash of doctor leaves it behind. */
function checkSync(folder: string): Check {
  const path = join(folder, `.doctor-${process.pid}`);
  try {
    const file = openSync(path, "wx", 0o600);
    unlinkSync(path);
    const start = performance.now();
    try {
      writeSync(file, "x".repeat(4096));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    const ms = Math.max(1, Math.round(performance.now() - start));
    if (ms <= slowSyncMs) return ok("Store's disk", `a write is safe after ${ms} ms`);
    return warn(
      "Store's disk",
      `a write takes ${ms} ms to be safe`,
      "put the store on a faster disk (--store, ORCHESTRA_STORE)",
    );
  } catch (error) {
    return fail(
      "Store's disk",
      `${folder} cannot be written: ${messageOf(error)}`,
      "free space on it, or make it writable",
    );
  }
}
