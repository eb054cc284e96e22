// Which failures of reading are told to those who wait, and which are only tried again. Logs each refusal once, until there is none any more.
import type { Log } from "../log.ts";
import type { OrchestraError } from "../model/errors.ts";
import { isInterruption, translateError } from "./zookeeper-errors.ts";
import { waitLimitMs } from "./zookeeper-session.ts";

export class Refusals {
  readonly #url: string;
  readonly #log: Log | undefined;
  /** Of interruptions without a success in between, on a connection that seems to be there. */
  #interruptedSince: number | undefined;
  #told: string | undefined;

  constructor(url: string, log: Log | undefined) {
    this.#url = url;
    this.#log = log;
  }

  /** Undefined: an interruption, which does not last for so long yet that somebody should hear of it. */
  judge(error: unknown): OrchestraError | undefined {
    if (isInterruption(error)) {
      const now = performance.now();
      this.#interruptedSince ??= now;
      if (now - this.#interruptedSince < waitLimitMs) return undefined;
    }
    const refusal = translateError(error, this.#url);
    if (this.#told !== refusal.message) this.#log?.error(refusal.message, { hint: refusal.hint });
    this.#told = refusal.message;
    return refusal;
  }

  /** A new connection: what the one before it did says nothing about it. */
  begin(): void {
    this.#interruptedSince = undefined;
  }

  /** Something could be read. */
  end(): void {
    this.begin();
    this.#told = undefined;
  }
}
