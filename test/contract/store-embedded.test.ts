// The embedded store keeps the contract.
import { copyFile, mkdtemp, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { openStore } from "../../src/store/open-store.ts";
import { storeContract } from "./store-contract.ts";
import type { StoreUnderTest } from "./store-harness.ts";

storeContract({
  name: "embedded",
  async create(): Promise<StoreUnderTest> {
    const folder = await mkdtemp(join(tmpdir(), "orchestra-test-"));
    const path = join(folder, "store.db");
    const dropLock = async (name: string) => {
      const live = `${path}-live`;
      for (const file of await readdir(live)) {
        if (file.startsWith(`${encodeURIComponent(name)}.`)) await rm(join(live, file));
      }
    };
    return {
      open: () => openStore(`file:${path}`, { create: true, own: {} }),
      cut: {
        reach: "all",
        async run() {
          await rename(path, `${path}.away`);
          return () => rename(`${path}.away`, path);
        },
      },
      endPresence: dropLock,
      depose: (name) => dropLock(`elections/${name}`),
      async remember() {
        const copy = join(folder, "older.db");
        const database = new DatabaseSync(path);
        database.exec(`VACUUM INTO '${copy}'`);
        database.close();
        return async () => {
          for (const suffix of ["-wal", "-shm"]) await rm(`${path}${suffix}`, { force: true });
          await copyFile(copy, `${copy}.new`);
          await rename(`${copy}.new`, path);
        };
      },
      destroy: () => rm(folder, { recursive: true, force: true }),
    };
  },
});
