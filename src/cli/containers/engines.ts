// The engine behind each node, for the commands that talk to containers: on one machine it is always this machine's.
import type { Config } from "../../config.ts";
import { OrchestraError } from "../../model/errors.ts";
import { clusterKey } from "../../model/keys.ts";
import type { Store } from "../../store/store.ts";
import type { Runtime } from "../../worker/runtime.ts";

/** Opens the engine of a node at the first question for it. Throws `not-found` when no `up` has ever run on this store. */
export async function runtimesOf(store: Store, config: Config): Promise<(node: string) => Runtime> {
  const cluster = (await store.read(clusterKey))?.value;
  if (!cluster) {
    throw new OrchestraError("not-found", `no orchestra has ever run on ${store.url}`, {
      hint: "start it with orchestra up",
    });
  }
  const { openRuntime } = await import("../../roles.ts");
  const opened = new Map<string, Runtime>();
  return (node) => {
    const runtime = opened.get(node) ?? openRuntime(config, { cluster: cluster.id, node });
    opened.set(node, runtime);
    return runtime;
  };
}
