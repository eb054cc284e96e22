// From presence to verdicts: the one place where "its worker is not there" becomes something that others act on. Pure.
import type { NodeDocument, Verdict, VerdictsDocument } from "../model/node.ts";

/**
 * The verdict on every node that has registered. The same object as `previous` when none has changed.
 * `present`: the nodes whose worker is there. `wall`: when an absence that begins now began, for people.
 */
export function verdictsOf(
  previous: VerdictsDocument | undefined,
  nodes: ReadonlyMap<string, NodeDocument>,
  present: ReadonlySet<string>,
  wall: string,
): VerdictsDocument {
  const names = [...nodes.keys()].sort();
  const next = names.map((name): [string, Verdict] => {
    const before = previous?.nodes[name];
    if (present.has(name)) return [name, before?.state === "present" ? before : { state: "present" }];
    return [name, before?.state === "absent" ? before : { state: "absent", since: wall }];
  });
  const same = previous !== undefined && Object.keys(previous.nodes).length === next.length;
  return same && next.every(([name, verdict]) => previous.nodes[name] === verdict)
    ? previous
    : { nodes: Object.fromEntries(next) };
}
