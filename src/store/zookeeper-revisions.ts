// The revisions of a commit that is too large for one transaction: they are written before it, and the commit then only checks them.
// Whoever is interrupted in between leaves revisions that nothing names; the master removes those after a while.
import { isOrchestraError } from "../model/errors.ts";
import { conflictAt } from "./encode.ts";
import type { Committed } from "./zookeeper-attempt.ts";
import type { Item } from "./zookeeper-operations.ts";
import { pathOfKey } from "./zookeeper-paths.ts";
import { readNodes, versionOf } from "./zookeeper-read.ts";
import type { Session } from "./zookeeper-session.ts";
import { jsonOf } from "./zookeeper-text.ts";

type Write = (items: readonly Item[]) => Promise<Committed>;

/** Each look that finds others' revisions means that somebody writes the same ones right now. */
const looksLimit = 10;

/** The checks to put in the place of the revisions in `batches`, by key. Throws a `conflict` for one that exists with another text. */
export async function writeRevisions(
  batches: readonly (readonly Item[])[],
  write: Write,
  session: Session,
): Promise<ReadonlyMap<string, Item>> {
  const made = new Map<string, Item>();
  for (const batch of batches) for (const check of await writeBatch(batch, write, session)) made.set(check.key, check);
  return made;
}

async function writeBatch(batch: readonly Item[], write: Write, session: Session): Promise<readonly Item[]> {
  const checks: Item[] = [];
  let left = batch;
  for (let looks = 0; left.length > 0; looks += 1) {
    try {
      const { version } = await write(left);
      if (version !== undefined) return [...checks, ...left.map(({ key }) => checkOf(key, version))];
      // The answer was lost: what they are now is looked at as well.
    } catch (error) {
      if (!isOrchestraError(error, "conflict") || looks === looksLimit) throw error;
    }
    const versions = await versionsThere(left, session);
    for (const [key, version] of versions) checks.push(checkOf(key, version));
    left = left.filter(({ key }) => !versions.has(key));
  }
  return checks;
}

const checkOf = (key: string, version: number): Item => ({ do: "check", key, version });

/** Those of them that are there: written by an apply that was interrupted, or by another one of the same templates. Throws where the text differs. */
async function versionsThere(items: readonly Item[], session: Session): Promise<ReadonlyMap<string, number>> {
  const paths = items.map(({ key }) => pathOfKey(key));
  const nodes = await session.read((client) => readNodes(client, paths));
  const versions = new Map<string, number>();
  for (const [index, { key, json }] of items.entries()) {
    const node = nodes[index];
    if (node === undefined) continue;
    if (node === "forbidden" || jsonOf(node.data) !== json) {
      throw conflictAt(key, "absent", node === "forbidden" ? -1 : versionOf(node.stat));
    }
    versions.set(key, versionOf(node.stat));
  }
  return versions;
}
