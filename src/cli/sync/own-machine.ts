// Who this machine is, for commands that only look: what is kept in the state folder, if anything is. Reads it.
import { join } from "node:path";
import { machineId } from "../../model/sync.ts";
import { readStateFile } from "../../state-file.ts";

export interface OwnMachine {
  readonly node: string;
  /** As syncs know it. */
  readonly id: string;
}

/** Undefined: nothing has started here yet, or only for another user, whose folder is not ours to read. */
export async function ownMachine(stateDir: string): Promise<OwnMachine | undefined> {
  const path = join(stateDir, "node.json");
  const kept = await readStateFile<{ readonly node: string; readonly key: string }>(path).catch(() => undefined);
  return kept && { node: kept.node, id: machineId(kept.key) };
}
