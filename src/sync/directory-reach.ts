// Whether a folder answers at all. A network mount whose server is gone keeps everyone waiting who reads it, for as long as the server is away,
// and a process that reads synchronously stands still with all its loops. So one of Node's four threads asks first.
import { opendir, statfs } from "node:fs/promises";
import { type Clock, sleep } from "../clock.ts";

export interface ReachOptions {
  readonly path: string;
  readonly clock: Clock;
  /** Ends when the folder has answered, whatever it said: `askFolder`, unless a test has a folder that hangs. */
  readonly ask?: (path: string) => Promise<unknown>;
}

/** A server under load stalls for a while; who waits longer than this waits for one that is gone. */
export const answerLimitMs = 5_000;

/** Of one folder for as long as the process lives: a question that hangs outlives the look that put it, and no second one is put meanwhile. */
export class Reach {
  readonly #options: ReachOptions;
  #question: { readonly since: string; readonly answer: Promise<void> } | undefined;

  constructor(options: ReachOptions) {
    this.#options = options;
  }

  /** Undefined: the folder answers. Else since when it does not, in wall-clock time. Rejects with the signal's reason. */
  async silentSince(signal: AbortSignal): Promise<string | undefined> {
    const { clock } = this.#options;
    signal.throwIfAborted();
    if (this.#question) return this.#question.since;
    const { since, answer } = this.#ask();
    return (await within(answer, clock, signal)) ? undefined : since;
  }

  #ask() {
    const { path, clock, ask = askFolder } = this.#options;
    const answered = () => {
      this.#question = undefined;
    };
    // An error is an answer, too: what is wrong is told by whoever reads the folder then.
    const question = { since: clock.wall(), answer: ask(path).then(answered, answered) };
    this.#question = question;
    return question;
  }
}

/** What `stat` and a listing say may come from the kernel's memory long after the server went; `statfs` asks the server. */
async function askFolder(path: string): Promise<void> {
  await statfs(path);
  const folder = await opendir(path, { bufferSize: 1 });
  try {
    await folder.read();
  } finally {
    await folder.close();
  }
}

/** Whether it has answered while it might. */
async function within(answer: Promise<void>, clock: Clock, signal: AbortSignal): Promise<boolean> {
  const over = new AbortController();
  const late = sleep(clock, answerLimitMs, AbortSignal.any([signal, over.signal]));
  try {
    return await Promise.race([answer.then(() => true), late.then(() => false)]);
  } finally {
    over.abort();
    late.catch(() => {});
  }
}
