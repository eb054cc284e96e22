// Functions that want to hear of something.

export class Listeners<T> {
  readonly #all = new Set<(event: T) => void>();

  /** The result takes it out again. */
  add(listener: (event: T) => void): () => void {
    // Wrapped, so that the same function given twice is two listeners.
    const own = (event: T) => listener(event);
    this.#all.add(own);
    return () => this.#all.delete(own);
  }

  get size(): number {
    return this.#all.size;
  }

  /** One that throws keeps neither the others nor the connection from going on; its error ends the program like any other that nobody caught. */
  tell(event: T): void {
    for (const listener of [...this.#all]) {
      if (!this.#all.has(listener)) continue;
      try {
        listener(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
