// Wakes when what was applied may have become ready: followed only while something waits for that.
import { followSelectors } from "../apply/follow.ts";
import type { Store, View } from "../store/store.ts";

export class Readiness {
  readonly #store: Store;
  readonly #wake: () => void;
  #view: View | undefined;

  constructor(store: Store, wake: () => void) {
    this.#store = store;
    this.#wake = wake;
  }

  /** Whatever became ready before this was opened wakes as well. */
  async open(): Promise<void> {
    if (this.#view) return;
    this.#view = await this.#store.view(followSelectors);
    this.#view.onChange(this.#wake);
    this.#wake();
  }

  close(): void {
    this.#view?.close();
    this.#view = undefined;
  }
}
