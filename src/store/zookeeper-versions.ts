// What is known of documents' nodes, so that a commit needs one request. Reads and writes nothing outside.
// A document's version is its node's mzxid, which never comes back. A transaction can only check a node's own counter, which starts at 0 again when
// the node is removed and made again. So the counter of removals is checked with it: while that stands, a node's counter means what it meant.

export interface Versions {
  /** The counter of removals under which all that is known was learnt; undefined: nothing is known. */
  readonly removals: number | undefined;
  /** `removals` must have been read before the node was. `counter` is the node's own. */
  learn(key: string, known: Known, removals: number): void;
  /** The same of many, which take their place only when somebody asks: a large commit is answered before. */
  learnAll(keys: readonly string[], known: Known, removals: number): void;
  /** The counter of removals, without a document. */
  at(removals: number): void;
  /** The node's own counter, if the document is known to have had this version. */
  counterOf(key: string, version: number): number | undefined;
  forget(key: string): void;
  /** Our own commit removed these, and nobody else anything: the rest is still known. */
  removed(keys: readonly string[], before: number): void;
  /** The counter of removals has moved on, or the store is another one. */
  clear(): void;
}

export interface Known {
  readonly version: number;
  readonly counter: number;
}

export function knownVersions(): Versions {
  const known = new Map<string, Known>();
  let learnt: (readonly [keys: readonly string[], node: Known])[] = [];
  let at: number | undefined;
  const clear = () => {
    known.clear();
    learnt = [];
    at = undefined;
  };
  /** In the order in which it was learnt. */
  const settle = () => {
    for (const [keys, node] of learnt) for (const key of keys) known.set(key, node);
    learnt = [];
  };
  /** False: read before what is known, so it says nothing about now. Counters wrap around as Java's integers do. */
  const moveTo = (removals: number): boolean => {
    if (at !== undefined && ((removals - at) | 0) < 0) return false;
    if (removals !== at) clear();
    at = removals;
    return true;
  };
  return {
    get removals() {
      return at;
    },
    at: (removals) => void moveTo(removals),
    learn(key, node, removals) {
      if (!moveTo(removals)) return;
      if (learnt.length > 0) settle();
      known.set(key, node);
    },
    learnAll(keys, node, removals) {
      if (keys.length > 0 && moveTo(removals)) learnt.push([keys, node]);
    },
    counterOf(key, version) {
      if (learnt.length > 0) settle();
      const node = known.get(key);
      return node?.version === version ? node.counter : undefined;
    },
    forget(key) {
      settle();
      known.delete(key);
    },
    removed(keys, before) {
      if (at !== before) return clear();
      settle();
      for (const key of keys) known.delete(key);
      at = (before + 1) | 0;
    },
    clear,
  };
}
