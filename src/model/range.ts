// Which node has which part of the cluster's network range.

/** `ranges/<range>`. Created by the worker of the node that takes the range, before it uses it: only one of two that want it can. */
export interface RangeDocument {
  readonly node: string;
}
