// A folder of a test's own, gone when the test ends, however it ends.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What `node:test` hands to a test, as far as it is needed here. */
interface Test {
  after(clean: () => Promise<void>): void;
}

export async function tempFolder(test: Test): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "orchestra-test-"));
  test.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }));
  return folder;
}
