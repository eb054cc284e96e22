// The revisions of a commit that is too large for one transaction: they are written before it, and the commit then only checks them.
// Whoever is interrupted in between leaves revisions that nothing names; the master removes those after a while.
import { isOrchestraError } from "../model/errors.ts";
import type { Committed } from "./zookeeper-attempt.ts";
import type { Item } from "./zookeeper-operations.ts";
import { pathOfKey } from "./zookeeper-paths.ts";
import { readNode, versionOf } from "./zookeeper-read.ts";
import type { Session } from "./zookeeper-session.ts";
import { jsonOf } from "./zookeeper-text.ts";

type Write = (items: readonly Item[]) => Promise<Committed>;

/** The checks to put in the place of the revisions in `batches`, by key. Throws a `conflict` for one that exists with another text. */
export async function writeRevisions(
  batches: readonly (readonly Item[])[],
  write: Write,
  session: Session,
): Promise<ReadonlyMap<string, Item>> {
  const made = new Map<string, Item>();
  const check = (key: string, version: number) => made.set(key, { do: "check", key, version });
  for (const batch of batches) {
    let left = batch;
    while (left.length > 0) {
      try {
        const { version } = await write(left);
        for (const item of left) check(item.key, version ?? (await versionAt(session, item)));
        break;
      } catch (error) {
        const there = isOrchestraError(error, "conflict") && left.find(({ key }) => key === error.details?.["key"]);
        if (!there) throw error;
        // An apply that was interrupted, or another one of the same template, has written it already.
        const found = await session.read((client) => readNode(client, pathOfKey(there.key)));
        if (!found) continue;
        if (found === "forbidden" || jsonOf(found.data) !== there.json) throw error;
        check(there.key, versionOf(found.stat));
        left = left.filter((item) => item !== there);
      }
    }
  }
  return made;
}

/** Where the answer was lost. A revision that is gone by now is a conflict of the commit that names it. */
async function versionAt(session: Session, { key }: Item): Promise<number> {
  const stat = await session.read((client) => client.exists(pathOfKey(key)));
  return stat ? versionOf(stat) : -1;
}
