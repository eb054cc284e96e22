// What a command shows while it waits: on a terminal lines that are drawn again in place, elsewhere a plain line for every change.
import { fit } from "./width.ts";

/** One line of a waiting command: `key` tells which line a new text replaces. */
export interface ProgressLine {
  readonly key: string;
  readonly text: string;
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

/** Draws in place on a terminal (unless `redraw` says otherwise), and prints what changed elsewhere. */
export function openProgress(stream: ProgressStream, redraw = stream.isTTY === true): Progress {
  return redraw ? drawn(stream) : plain(stream);
}

function plain(stream: ProgressStream): Progress {
  const said = new Map<string, string>();
  return {
    show(lines) {
      for (const { key, text } of lines) {
        if (said.get(key) === text) continue;
        said.set(key, text);
        stream.write(`${text}\n`);
      }
    },
    end() {},
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
      const texts = shown.map(({ text }) => fit(text, (stream.columns || 80) - 1));
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
