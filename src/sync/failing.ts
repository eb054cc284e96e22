// Patience with passes that fail although the store answers: which failures are told, and when the next try comes. Pure: times come from the caller.
import { isOrchestraError, messageOf } from "../model/errors.ts";

const restFirstMs = 1_000;
const restMaxMs = 60_000;
/** Others write now and then while something is decided; what meets a conflict so often in a row never gets through. */
const conflictsLimit = 10;

/** What a pass would try again. */
export interface Attempt {
  /** What the source showed: the same object as long as it is the same; absent where it could not be looked at. */
  readonly tree?: object;
  /** What somebody has asked for since. */
  readonly asked: string;
}

export class Failing {
  #failed: (Attempt & { readonly until: number }) | undefined;
  #failures = 0;
  #conflicts = 0;

  /** So much longer the same is not tried again. What is new in the source or asked for by a person is tried at once. */
  restMs({ tree, asked }: Attempt, now: number): number {
    const failed = this.#failed;
    if (!failed || failed.tree !== tree || failed.asked !== asked) return 0;
    return Math.max(0, failed.until - now);
  }

  passed(): void {
    this.#failed = undefined;
    this.#failures = 0;
    this.#conflicts = 0;
  }

  /** What is to be told of `error`, and how long the pass rests; undefined where that is for the loop: the store is away, or somebody was first. */
  failed(
    error: unknown,
    attempt: Attempt,
    now: number,
  ): { readonly text: string; readonly restMs: number } | undefined {
    if (isOrchestraError(error, "unavailable")) return undefined;
    if (isOrchestraError(error, "conflict")) {
      this.#conflicts += 1;
      if (this.#conflicts < conflictsLimit) return undefined;
    }
    const restMs = Math.min(restMaxMs, restFirstMs * 2 ** this.#failures);
    this.#failures += 1;
    this.#failed = { ...attempt, until: now + restMs };
    return { text: textOf(error), restMs };
  }
}

function textOf(error: unknown): string {
  const hint = isOrchestraError(error) ? error.hint : "this is a bug of orchestra; its log tells where";
  return hint === undefined ? messageOf(error) : `${messageOf(error)}; ${hint}`;
}
