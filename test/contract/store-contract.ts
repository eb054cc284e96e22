// The one contract suite of all stores: src/store/store.ts in sentences that run. An adapter's test calls `storeContract` once.
import { test } from "node:test";
import type { Store } from "../../src/store/store.ts";
import { commitLaws } from "./store-commit-laws.ts";
import { isOffered, type StoreAdapter, type StoreLaw, type StoreUnderTest } from "./store-harness.ts";
import { holdingLaws } from "./store-holding-laws.ts";
import { outsideLaws } from "./store-outside-laws.ts";
import { viewLaws } from "./store-view-laws.ts";

/** Registers a test for every law of the contract. */
export function storeContract(adapter: StoreAdapter): void {
  const laws = { ...commitLaws, ...viewLaws, ...holdingLaws };
  for (const [sentence, law] of Object.entries(laws)) {
    test(`${adapter.name}: ${sentence}`, () => withStore(adapter, law));
  }
  for (const { sentence, needs, law } of outsideLaws) {
    test(`${adapter.name}: ${sentence}`, async (t) => {
      await withStore(adapter, async (store, open) => {
        const hook = store[needs];
        if (isOffered(hook)) await law(store, open);
        else t.skip(hook.notOffered);
      });
    });
  }
}

async function withStore(adapter: StoreAdapter, law: StoreLaw): Promise<void> {
  const store: StoreUnderTest = await adapter.create();
  const clients: Store[] = [];
  try {
    await law(store, async () => {
      const client = await store.open();
      clients.push(client);
      return client;
    });
  } finally {
    for (const client of clients) await client.close();
    await store.destroy();
  }
}
