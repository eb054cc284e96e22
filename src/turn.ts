// Long work in one go keeps everybody else in the process waiting, and a session with a store ends where it lasts for seconds.
import { setImmediate } from "node:timers/promises";

/** After so long others come first. */
const turnMs = 10;

/** Whose turn it is: ours, from now on. */
export class Turn {
  #ends = performance.now() + turnMs;

  /** To be asked after each piece of work. */
  get isOver(): boolean {
    return performance.now() >= this.#ends;
  }

  /** Lets others have theirs. */
  async pass(): Promise<void> {
    await setImmediate();
    this.#ends = performance.now() + turnMs;
  }
}
