// Knows how long ago the server was heard, until when the session is certainly alive, and when to ping.

export interface Pulse {
  ping(): void;
  /** When the oldest request left that has no answer yet. */
  unansweredSinceMs(): number | undefined;
  /** The connection is of no more use. */
  onSilence(reason: string): void;
}

export class Heartbeat {
  readonly #timeoutMs: number;
  /** Often enough to end a connection in time: see `#silence`. */
  readonly #beatMs: number;
  readonly #pulse: Pulse;
  readonly #timer: NodeJS.Timeout;
  #heardMs = performance.now();
  /** When the latest request left that the leader has had: from some later moment on the servers count the session's time anew. */
  #answeredMs: number;
  #pingSentMs: number | undefined;
  #suspected = false;

  /** `answeredMs`: when the greeting left that was answered. */
  constructor(timeoutMs: number, answeredMs: number, pulse: Pulse) {
    this.#timeoutMs = timeoutMs;
    this.#beatMs = timeoutMs / 12;
    this.#answeredMs = answeredMs;
    this.#pulse = pulse;
    this.#timer = setInterval(() => this.#beat(), this.#beatMs);
  }

  get aliveUntilMs(): number {
    return this.#answeredMs + this.#timeoutMs;
  }

  heard(): void {
    this.#heardMs = performance.now();
  }

  /** A request that left at this moment, or later, was answered by the leader of the servers: nobody else knows that the session lives. */
  answered(sentMs: number): void {
    if (sentMs > this.#answeredMs) this.#answeredMs = sentMs;
  }

  /** `ok`: the leader has had it. */
  pingAnswered(ok: boolean): void {
    if (ok && this.#pingSentMs !== undefined) this.answered(this.#pingSentMs);
    this.#pingSentMs = undefined;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #beat(): void {
    const now = performance.now();
    const silence = this.#silence(now + this.#beatMs);
    if (silence === undefined) {
      this.#suspected = false;
      this.#pingIfQuiet(now);
    } else if (this.#suspected) {
      this.#pulse.onSilence(silence);
    } else {
      // This process may have been stopped or busy, and the answers lie in the socket: they are read before the next look.
      this.#suspected = true;
      setImmediate(() => this.#suspected && this.#beat());
    }
  }

  /** The connection ends while the session is certainly alive, so that who holds something by it can let go in time. */
  #silence(now: number): string | undefined {
    const heard = now - this.#heardMs;
    if (heard > (this.#timeoutMs * 2) / 3)
      return `the server has been silent for ${Math.round(heard - this.#beatMs)} ms`;
    const answered = now - this.#answeredMs;
    if (answered > (this.#timeoutMs * 5) / 6) {
      return `the server has answered nothing of the last ${Math.round(answered - this.#beatMs)} ms`;
    }
    // Pings come back behind the requests before them: this answer got lost on the way, and nobody may wait for it for ever.
    const waited = now - (this.#pulse.unansweredSinceMs() ?? now);
    return waited > this.#timeoutMs + this.#beatMs
      ? "the server answers later requests, but not an earlier one"
      : undefined;
  }

  /** Requests count as pings once they are answered. */
  #pingIfQuiet(now: number): void {
    if (this.#pingSentMs !== undefined || now + this.#beatMs < this.#answeredMs + this.#timeoutMs / 4) return;
    this.#pingSentMs = now;
    this.#pulse.ping();
  }
}
