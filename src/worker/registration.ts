// That this node exists: its document. Reads and writes `nodes/<node>`.
import { OrchestraError } from "../model/errors.ts";
import { nodeKey } from "../model/keys.ts";
import type { NodeDocument } from "../model/node.ts";
import { overwrite, type Store } from "../store/store.ts";
import type { EngineInfo, NodeNetwork } from "./runtime.ts";

export interface NodeFacts {
  readonly node: string;
  readonly key: string;
  /** Of `Identity`. */
  readonly place?: string;
  /** Of `Identity`. */
  readonly boot?: string;
  readonly address: string;
  readonly hostname: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Of this program. */
  readonly version: string;
}

/** What others read of this node. `problem`: why its containers and those of other nodes do not reach each other. */
export function nodeDocument(
  facts: NodeFacts,
  engine: EngineInfo,
  network: NodeNetwork,
  problem: string | undefined,
): NodeDocument {
  return {
    address: facts.address,
    capacity: engine.capacity,
    platform: engine.platform,
    labels: {
      "orchestra.hostname": facts.hostname,
      "orchestra.os": engine.platform.os,
      "orchestra.arch": engine.platform.arch,
      ...facts.labels,
    },
    versions: {
      orchestra: facts.version,
      docker: engine.version,
      dockerApi: engine.apiVersion,
      kernel: engine.kernel,
    },
    network: problem === undefined ? network : { ...network, problem },
    key: facts.key,
  };
}

/** Writes the node's document if it differs. Throws `conflict` when the name belongs to a machine with another key. */
export async function registerNode(store: Store, node: string, document: NodeDocument): Promise<void> {
  const snapshot = await store.list([nodeKey(node)]);
  const found = snapshot.get(nodeKey(node));
  if (found && found.value.key !== document.key) {
    throw new OrchestraError("conflict", `another machine (${found.value.address}) is the node ${node} of this store`, {
      hint: "give this one its own name with ORCHESTRA_NODE before its first start",
    });
  }
  if (found && JSON.stringify(found.value) === JSON.stringify(document)) return;
  await store.commit({ changes: [overwrite(snapshot, nodeKey(node), document)] });
}
