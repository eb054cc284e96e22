// Waiting for somebody else's work to get on: each call of `end` lets everyone who waits look again. Touches nothing outside.
export class Rounds {
  readonly #waiting = new Set<(error?: unknown) => void>();

  /** Resolves with the end of the round under way; rejects with what made it fail. */
  next(): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: unknown) => {
        this.#waiting.delete(done);
        if (error === undefined) resolve();
        else reject(error);
      };
      this.#waiting.add(done);
    });
  }

  end(error?: unknown): void {
    for (const done of [...this.#waiting]) done(error);
  }
}
