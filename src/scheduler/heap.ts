// A binary heap that hands out the best item, and lets the best one get worse in place: what a group's next choice needs.

export interface Heap<T> {
  /** The best item, or undefined when there is none. */
  best(): T | undefined;
  /** The best item has got worse: it finds its new place. */
  worsened(): void;
  /** The best item is out. */
  removeBest(): void;
}

/** A heap of these items; `compare` is negative when the first is better. */
export function heapOf<T>(items: readonly T[], compare: (a: T, b: T) => number): Heap<T> {
  const heap = [...items];
  const sink = (start: number) => {
    const item = heap[start] as T;
    let hole = start;
    for (;;) {
      let child = 2 * hole + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && compare(heap[child + 1] as T, heap[child] as T) < 0) child += 1;
      if (compare(heap[child] as T, item) >= 0) break;
      heap[hole] = heap[child] as T;
      hole = child;
    }
    heap[hole] = item;
  };
  for (let start = (heap.length >> 1) - 1; start >= 0; start -= 1) sink(start);
  return {
    best: () => heap[0],
    worsened: () => sink(0),
    removeBest() {
      const last = heap.pop();
      if (heap.length === 0 || last === undefined) return;
      heap[0] = last;
      sink(0);
    },
  };
}
