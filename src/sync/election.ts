// Waits to be elected for a source, unless its folder is another machine's, or this machine is a copy of the one that leads. Reads `syncs/<source>`.
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import { syncKey } from "../model/keys.ts";
import { syncElection } from "../model/sync.ts";
import type { Leadership, Store, View } from "../store/store.ts";
import { leaderText } from "./health.ts";
import { type Machine, whyCopy, whyForeign } from "./machine.ts";
import type { Meter, Shown } from "./meter.ts";

export interface ElectionOptions {
  readonly store: Store;
  /** This machine, where the source is its folder. Absent: any machine may lead. */
  readonly machine?: Machine;
  readonly clock: Clock;
  readonly log: Log;
  readonly meter: Meter;
}

/** Who has not been elected by then says that it stands by. */
const standbyToldMs = 500;
/** A leader of an earlier boot of this machine is forgotten within its session; whoever leads after that lives. While the store is away no session ends. */
const oldSessionMs = 15_000;

/** Throws `conflict` as soon as this machine is known to have no business there: who stood by all the same would lead when the other one ends. */
export async function elected(
  { store, machine, clock, log, meter }: ElectionOptions,
  source: string,
  stop: AbortSignal,
): Promise<Leadership> {
  const view = await store.view([syncKey(source)]);
  const look = () => shownBy(view, source);
  const refused = new AbortController();
  const refuse = (why: typeof whyForeign) => {
    const { fresh, document } = look();
    const reason = fresh && machine ? why(document, machine) : undefined;
    if (reason) refused.abort(reason);
  };
  let cancelCopy: (() => void) | undefined;
  const judge = () => {
    refuse(whyForeign);
    if (look().fresh) cancelCopy ??= clock.after(oldSessionMs, () => refuse(whyCopy));
    else {
      cancelCopy?.();
      cancelCopy = undefined;
    }
  };
  view.onChange(judge);
  judge();
  const cancelStandby = clock.after(standbyToldMs, () => {
    const { fresh, document } = look();
    meter.takes("stands-by", clock.now(), look);
    if (fresh) log.info("this sync stands by", { source, because: leaderText(document?.lead) });
    else log.warn("this sync waits: the store does not answer", { source });
  });
  try {
    return await store.elect(syncElection(source), AbortSignal.any([stop, refused.signal]));
  } finally {
    cancelStandby();
    cancelCopy?.();
    view.close();
  }
}

export function shownBy(view: View, source: string): Shown {
  const snapshot = view.snapshot();
  return { fresh: snapshot.fresh, document: snapshot.get(syncKey(source))?.value };
}
