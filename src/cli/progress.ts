// What a command shows while it waits: on a terminal lines that are drawn again in place, elsewhere a plain line for every change.
import { type Clock, systemClock } from "../clock.ts";
import { fit } from "./width.ts";

/** A reason that may pass by itself is said where lines stay only when it has lasted so long: most starts fail a probe or two. */
const passingMs = 3_000;

/** One line of a waiting command: `key` tells which line a new text replaces. */
export interface ProgressLine {
  readonly key: string;
  readonly text: string;
  /** Why it is not done yet; `passing`: it may well be over in a moment. */
  readonly reason?: { readonly text: string; readonly passing: boolean };
}

/** A line with its reason. */
export function lineText({ text, reason }: ProgressLine): string {
  return reason === undefined ? text : `${text}; ${reason.text}`;
}

export interface Progress {
  /** What is true now. Lines that are left out stay as they last were elsewhere, and go on a terminal. */
  show(lines: readonly ProgressLine[]): void;
  /** Leaves the last lines on the screen; nothing is drawn afterwards. */
  end(): void;
}

/** The part of a stream that is needed: process.stdout and process.stderr are such. */
export interface ProgressStream {
  write(text: string): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** Draws in place on a terminal, and prints what changed elsewhere. */
export function openProgress(stream: ProgressStream, clock: Clock = systemClock): Progress {
  return stream.isTTY === true ? drawn(stream) : plain(stream, clock);
}

/** Every count, and each reason once: pods that take turns at crashing would fill the screen with theirs. */
function plain(stream: ProgressStream, clock: Clock): Progress {
  const said = new Map<string, string>();
  const told = new Set<string>();
  const waiting = new Map<string, { readonly text: string; readonly cancel: () => void }>();
  const tell = (line: ProgressLine) => {
    said.set(line.key, line.text);
    if (line.reason) told.add(line.key + line.reason.text);
    stream.write(`${lineText(line)}\n`);
  };
  const forget = (key: string) => {
    waiting.get(key)?.cancel();
    waiting.delete(key);
  };
  const show = (line: ProgressLine) => {
    const { key, text, reason } = line;
    const isNew = reason !== undefined && !told.has(key + reason.text);
    if (isNew && !reason.passing) {
      forget(key);
      return tell(line);
    }
    if (said.get(key) !== text) tell({ key, text });
    if (waiting.get(key)?.text === reason?.text) return;
    forget(key);
    if (isNew)
      waiting.set(key, {
        text: reason.text,
        cancel: clock.after(passingMs, () => tell({ key, text: said.get(key) ?? text, reason })),
      });
  };
  return {
    show: (lines) => lines.forEach(show),
    end() {
      for (const key of [...waiting.keys()]) forget(key);
    },
  };
}

function drawn(stream: ProgressStream): Progress {
  let height = 0;
  let before = "";
  return {
    show(lines) {
      // More lines than the screen has could not be taken back: the rest is counted. Some terminals say that they have none.
      const room = Math.max(2, (stream.rows || 24) - 1);
      const shown = lines.length <= room ? lines : lines.slice(0, room - 1);
      // A line that wraps would take two rows, and the next drawing would go astray.
      const texts = shown.map((line) => fit(lineText(line), (stream.columns || 80) - 1));
      if (lines.length > shown.length) texts.push(`… and ${lines.length - shown.length} more`);
      const text = texts.map((line) => `${line}\x1b[K\n`).join("");
      if (text === before) return;
      stream.write(`${height > 0 ? `\x1b[${height}A` : ""}${text}\x1b[J`);
      [height, before] = [texts.length, text];
    },
    end() {
      height = 0;
    },
  };
}
