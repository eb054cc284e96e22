// From presence to verdicts: the one place where "its worker is not there" becomes something that others act on. Pure.
import type { Timers } from "../controller/facts.ts";
import type { ControlDocument, Hold, NodeDocument, Verdict, VerdictsDocument } from "../model/node.ts";

/** What verdicts are made of. */
export interface Attendance {
  /** Those that have registered. */
  readonly nodes: ReadonlyMap<string, NodeDocument>;
  /** Those whose worker is there. */
  readonly present: ReadonlySet<string>;
  /** Those whose worker has said that its engine is silent. */
  readonly silent: ReadonlySet<string>;
  readonly controls: ReadonlyMap<string, ControlDocument>;
}

export interface Judgement {
  /** The same object as the previous one when nothing has changed. */
  readonly verdicts: VerdictsDocument;
  /** A node is lost then, if nothing happens. */
  readonly againInMs?: number;
}

/**
 * An engine that has been silent for so long is lost: its pods get successors elsewhere. An upgrade of Docker's packages stops it for some ten to
 * thirty seconds, and its containers live on (live-restore) or are back right after. Waiting costs little, because the worker is there: what
 * no longer answers its probe leaves DNS at once.
 */
export const engineLostAfterMs = 60_000;
/** With fewer nodes one absence is half of them, and one host may fail. */
const leastNodesToHold = 3;
const namesShown = 5;

/**
 * The verdict on every node that has registered, and the hold. A node is lost once this leader has seen it absent for `lostAfterMs`
 * without a hold in between: whoever brings the others back gets as long for the last one. What is lost stays lost until it is present.
 * The same of engines, which are lost after `engineLostAfterMs` of silence.
 */
export function verdictsOf(
  previous: VerdictsDocument | undefined,
  attendance: Attendance,
  timers: Timers,
  lostAfterMs: number,
): Judgement {
  const hold = holdOf(previous?.hold, attendance, timers.wall);
  let againInMs = Number.POSITIVE_INFINITY;
  const isOver = (marker: string, limitMs: number): boolean => {
    if (hold) return false;
    const leftMs = limitMs - timers.elapsed(marker);
    if (leftMs > 0) againInMs = Math.min(againInMs, leftMs);
    return leftMs <= 0;
  };
  const names = [...attendance.nodes.keys()].sort();
  const next = names.map((name): [string, Verdict] => {
    const before = previous?.nodes[name];
    if (attendance.present.has(name)) {
      const engineLost = before?.state === "present" ? before.engineLost : undefined;
      const isSilent = attendance.silent.has(name);
      if (isSilent && engineLost === undefined && isOver(`silent/${name}`, engineLostAfterMs))
        return [name, { state: "present", engineLost: timers.wall }];
      const isSame = before?.state === "present" && (engineLost === undefined || isSilent);
      return [name, isSame ? before : { state: "present" }];
    }
    if (before?.state === "lost") return [name, before];
    if (isOver(`absent/${name}`, lostAfterMs)) return [name, { state: "lost", since: timers.wall }];
    return [name, before?.state === "absent" ? before : { state: "absent", since: timers.wall }];
  });
  const { hold: _before, ...rest } = previous ?? {};
  return {
    verdicts: unchanged(previous, next, hold) ?? {
      ...rest,
      nodes: Object.fromEntries(next),
      ...(hold ? { hold } : {}),
    },
    ...(Number.isFinite(againInMs) ? { againInMs } : {}),
  };
}

/** Half of the nodes that should take pods are gone, or their engines: that is more likely our own network, or a switch, than so many machines. */
function holdOf(before: Hold | undefined, attendance: Attendance, wall: string): Hold | undefined {
  const { nodes, present, silent, controls } = attendance;
  const counted = [...nodes.keys()].filter((name) => !controls.get(name)?.cordoned && !controls.get(name)?.forget);
  const missing = counted.filter((name) => !present.has(name) || silent.has(name)).sort();
  const isAnySilent = missing.some((name) => present.has(name));
  if (counted.length < leastNodesToHold || missing.length * 2 < counted.length) return undefined;
  const more = missing.length > namesShown ? ` and ${missing.length - namesShown} more` : "";
  const reason = `${missing.length} of ${counted.length} nodes are absent${isAnySilent ? " or have a silent engine" : ""}: ${missing.slice(0, namesShown).join(", ")}${more}`;
  return before?.reason === reason ? before : { since: before?.since ?? wall, reason };
}

function unchanged(
  previous: VerdictsDocument | undefined,
  next: readonly (readonly [string, Verdict])[],
  hold: Hold | undefined,
): VerdictsDocument | undefined {
  if (!previous || previous.hold !== hold || Object.keys(previous.nodes).length !== next.length) return undefined;
  return next.every(([name, verdict]) => previous.nodes[name] === verdict) ? previous : undefined;
}
