// What runs already on this store and state folder, and what an `up` that comes second says of it. Reads the records of the state folder.
import { OrchestraError } from "../../model/errors.ts";
import { isRunning } from "../../process-record.ts";
import { type RolesRecord, runRecordsOf, upRecordsOf } from "../../state-folder.ts";

/** The `up` that runs on this store and state folder, if one does. */
export function runningUp(stateDir: string, storeUrl: string): RolesRecord | undefined {
  return upRecordsOf(stateDir, storeUrl).find((record) => isRunning(record));
}

/** Everything that runs on this store and state folder. */
export function runningHere(stateDir: string, storeUrl: string): RolesRecord[] {
  const all = [...upRecordsOf(stateDir, storeUrl), ...runRecordsOf(stateDir, storeUrl)];
  return all.filter((record) => isRunning(record));
}

/** `sync`: whether something was to be followed besides. */
export function alreadyRunning({ pid, node, since, roles }: RolesRecord, sync: boolean): OrchestraError {
  const what = roles ? ` (${roles.join(", ")})` : "";
  return new OrchestraError(
    "conflict",
    `orchestra runs already on this store${what}, as node ${node} (pid ${pid}, since ${since})`,
    {
      hint: `stop it with orchestra down first${sync ? `, or ${besideIt}` : ""}`,
      details: { pid, node, since },
    },
  );
}

const besideIt = "let orchestra sync follow it in a process of its own";
const endItFirst = "orchestra down first, and this again (pods run on)";

/** What was said to an `up`; undefined: nothing. */
export interface Told {
  readonly sync: RolesRecord["sync"];
  readonly lostAfterMs: number | undefined;
}

/**
 * What the second `up --detach` says: that there is nothing to do. Throws `conflict` where the one that runs does otherwise than this one is
 * told to, or does not follow what this one is to follow: it is not told anything any more.
 */
export function alreadyText({ node, pid, sync: own, lostAfterMs }: RolesRecord, told: Told): string {
  const { sync: wanted } = told;
  const running = `running as node ${node} (pid ${pid})`;
  if (told.lostAfterMs !== undefined && lostAfterMs !== undefined && told.lostAfterMs !== lostAfterMs) {
    const [is, should] = [lostAfterMs, told.lostAfterMs].map((ms) => `--node-lost-after=${ms / 1_000}s`);
    throw new OrchestraError("conflict", `orchestra is ${running} with ${is}, not with ${should}`, {
      hint: endItFirst,
    });
  }
  const follows = own && `follows ${own.source}`;
  if (!wanted) return `orchestra is already ${running}${follows === undefined ? "" : ` and ${follows}`}.`;
  if (own?.source !== wanted.source) {
    const instead = follows === undefined ? "" : `: it ${follows}`;
    throw new OrchestraError("conflict", `orchestra is ${running} and does not follow ${wanted.source}${instead}`, {
      hint: `${besideIt}; or ${endItFirst}`,
    });
  }
  const [is, should] = [own.flags, wanted.flags].map((flags) => (flags.length === 0 ? "no flags" : flags.join(" ")));
  if (is === should) return `orchestra is already ${running} and ${follows}.`;
  throw new OrchestraError("conflict", `orchestra is ${running} and ${follows} with ${is}, not with ${should}`, {
    hint: endItFirst,
  });
}
