// Who this machine is, for commands that only look: what has been kept in the state folder, if anything was. Reads it.
import { join } from "node:path";
import { readStateFile } from "../../state-file.ts";

/** The node that this machine is; undefined: nothing has started here, or under another user, whose folder is not for us to read. */
export async function ownNode(stateDir: string): Promise<string | undefined> {
  const kept = await readStateFile<{ readonly node?: string }>(join(stateDir, "node.json")).catch(() => undefined);
  return kept?.node;
}
