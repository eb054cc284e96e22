// `get -w`: on a terminal the tables drawn again in place, elsewhere a line for every row that changed. Ends with the process.
import type { Store } from "../../store/store.ts";
import type { Output } from "../base.ts";
import { wantsColour, yaml } from "../print.ts";
import { openProgress, type ProgressStream } from "../progress.ts";
import { changesBetween, listing, listingText, nameOf, type Row, type RowChange, type Selection } from "./listing.ts";
import { notesOf } from "./node-rows.ts";
import { leaderlessIn, type Observation, observation, observedSelectors } from "./observe.ts";
import { pendingTexts } from "./pending.ts";

/** Ages on a terminal go on while nothing changes. */
const redrawMs = 1_000;

export interface WatchOptions {
  readonly store: Store;
  readonly selection: Selection;
  readonly output: Output;
  readonly out: NodeJS.WriteStream;
}

/** Never resolves by itself; rejects when the first look fails (a name that nothing has). */
export async function watchListing({ store, selection, output, out }: WatchOptions): Promise<never> {
  const view = await store.view(observedSelectors);
  const onScreen = out.isTTY && (output === "table" || output === "wide");
  const show = onScreen ? screen(out, output === "wide") : changeLines(out, output);
  const pass = async (skipMissing: boolean) => {
    const snapshot = view.snapshot();
    // Told on the screen only, and no reason to wait for a store that is away.
    const asks = onScreen && snapshot.fresh;
    const leaderless = asks ? await leaderlessIn(store, snapshot).catch(() => undefined) : undefined;
    const seen = observation(snapshot, Date.now(), leaderless);
    await show(seen, listing(seen, selection, { pending: await pendingTexts(seen.state), skipMissing }));
  };
  await pass(false);
  const { promise, reject } = Promise.withResolvers<never>();
  let running: Promise<void> = Promise.resolve();
  let isDue = false;
  // Every pass shows what is true when it begins, so one that has not begun yet serves all changes until then.
  const again = () => {
    if (isDue) return;
    isDue = true;
    running = running
      .then(() => {
        isDue = false;
        return pass(true);
      })
      .catch(reject);
  };
  view.onChange(again);
  // Elsewhere than on a terminal the timer only keeps the process alive.
  setInterval(onScreen ? again : () => {}, redrawMs);
  return promise;
}

type Show = (seen: Observation, rows: readonly Row[]) => Promise<void>;

function screen(out: ProgressStream & NodeJS.WriteStream, wide: boolean): Show {
  const progress = openProgress(out);
  const colour = wantsColour(out);
  return async (seen, rows) => {
    const notes = notesOf(seen);
    const text = listingText(rows, { nowMs: seen.nowMs, wide, colour });
    const lines = notes.length === 0 ? text.split("\n") : [...text.split("\n"), "", ...notes];
    progress.show(lines.map((line, index) => ({ key: String(index), text: line })));
  };
}

function changeLines(out: NodeJS.WriteStream, output: Output): Show {
  let before: readonly Row[] = [];
  let isFirst = true;
  return async (seen, rows) => {
    const changes = changesBetween(before, rows);
    before = rows;
    const text = await changesText(changes, { output, nowMs: seen.nowMs, header: isFirst });
    isFirst = false;
    if (text !== "") out.write(`${text}\n`);
  };
}

interface ChangeTextOptions {
  readonly output: Output;
  readonly nowMs: number;
  readonly header: boolean;
}

async function changesText(changes: readonly RowChange[], options: ChangeTextOptions): Promise<string> {
  const { output, nowMs, header } = options;
  if (output === "json") return changes.map((change) => JSON.stringify(change)).join("\n");
  if (output === "yaml")
    return (await Promise.all(changes.map(async (change) => `---\n${await yaml(change)}`))).join("\n");
  if (output === "name") return changes.map(({ item }) => nameOf(item)).join("\n");
  const rows = changes.filter(({ change }) => change !== "removed").map(({ item }) => item);
  const text = listingText(rows, { nowMs, wide: output === "wide", colour: false, header });
  const gone = changes.filter(({ change }) => change === "removed").map(({ item }) => `${nameOf(item)} is gone`);
  return [...(text === "" ? [] : [text]), ...gone].join("\n");
}
