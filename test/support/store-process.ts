// A process of its own on a store, for tests that need more than one: told what to do by messages, and killed at will.
// Started by `startStoreProcess`; its answers are messages too, written before the next commit begins.
import { writeSync } from "node:fs";
import { isOrchestraError, messageOf } from "../../src/model/errors.ts";
import { deploymentKey, type Key, presenceKey } from "../../src/model/keys.ts";
import { openStore } from "../../src/store/open-store.ts";
import { put, type Store, type View } from "../../src/store/store.ts";
import { act, deployment } from "./builders.ts";
import { totalKey } from "./store-child.ts";

export type StoreOrder =
  /** Adds one to `total` and to `name`, so many times, in one commit each. */
  | { readonly do: "count"; readonly name: string; readonly times: number }
  /** Looks at `total` and its parts until told otherwise; answers with what did not add up. */
  | { readonly do: "audit"; readonly until: number }
  | { readonly do: "hold"; readonly node: string; readonly election: string }
  /** Commits one document of `bytes` after another and writes the number of each acknowledged one to standard output. */
  | { readonly do: "write"; readonly bytes: number }
  | { readonly do: "put"; readonly name: string };

const url = process.argv[2];
if (url === undefined) throw new Error("give the store's URL");
const store = await openStore(url, { create: true });

process.on("message", (order: StoreOrder) => {
  run(order).then(
    (answer) => process.send?.({ answer: answer ?? "done" }),
    (error: unknown) =>
      process.send?.({ error: isOrchestraError(error) ? `${error.code}: ${error.message}` : messageOf(error) }),
  );
});
process.on("disconnect", () => process.exit());
process.send?.({ answer: "open" });

async function run(order: StoreOrder): Promise<unknown> {
  switch (order.do) {
    case "count":
      for (let done = 0; done < order.times; done += 1) await addOne(store, deploymentKey(order.name));
      return undefined;
    case "audit":
      return audit(await store.view(["deployments"]), order.until);
    case "hold":
      await store.join(presenceKey(order.node), { key: order.node, pid: process.pid, since: act.at });
      return (await store.elect(order.election, new AbortController().signal)).epoch;
    case "write":
      return write(order.bytes);
    case "put":
      return store.commit({ changes: [put(deploymentKey(order.name), deployment(), "absent")] });
    default:
      return order satisfies never;
  }
}

async function addOne(store: Store, part: Key<ReturnType<typeof deployment>>): Promise<void> {
  for (;;) {
    const now = await store.list([totalKey, part]);
    const raise = (key: typeof part) => {
      const found = now.get(key);
      return put(key, deployment({ generation: (found?.value.generation ?? 0) + 1 }), found?.version ?? "absent");
    };
    try {
      await store.commit({ changes: [raise(totalKey), raise(part)] });
      return;
    } catch (error) {
      if (!isOrchestraError(error, "conflict")) throw error;
    }
  }
}

async function audit(view: View, until: number): Promise<string[]> {
  const faults: string[] = [];
  const look = (source: string, documents = view.snapshot().list("deployments")) => {
    const total = documents.find(({ key }) => key === totalKey)?.value.generation ?? 0;
    const parts = documents.reduce((sum, { key, value }) => sum + (key === totalKey ? 0 : value.generation), 0);
    if (total !== parts) faults.push(`${source}: ${total} is not ${parts}`);
    return total;
  };
  await new Promise<void>((resolve) => {
    const check = () => look("view") >= until && resolve();
    view.onChange(check);
    check();
  });
  look("list", (await store.list(["deployments"])).list("deployments"));
  return faults;
}

async function write(bytes: number): Promise<never> {
  const filler = "x".repeat(bytes);
  for (let number = 1; ; number += 1) {
    const now = await store.list([totalKey]);
    const version = now.get(totalKey)?.version ?? "absent";
    await store.commit({
      changes: [
        put(totalKey, deployment({ generation: number }), version),
        put(deploymentKey(`d${number}`), deployment({ generation: number, annotations: { filler } }), "absent"),
      ],
    });
    writeSync(1, `${number}\n`);
  }
}
