import type { ClusterDocument } from "../../model/cluster.ts";
import type { Store } from "../../store/store.ts";
import { BaseCommand, outputFlag } from "../base.ts";
import type { Holder } from "../holders.ts";
import type { StatusDocument } from "../show/status.ts";

/** An engine that hangs must not make `status` hang: then that is what it tells. */
const dockerLimitMs = 2_000;

export default class Status extends BaseCommand {
  static override summary = "Show what runs on this store, what is in it, and what needs a look.";
  static override examples = ["<%= config.bin %> status", "<%= config.bin %> status -o json"];
  static override flags = { output: outputFlag("table", "json", "yaml") };

  async run(): Promise<void> {
    const { flags } = await this.parse(Status);
    const { observe } = await import("../show/observe.ts");
    const { pendingTexts } = await import("../show/pending.ts");
    const { statusDocument, statusText } = await import("../show/status.ts");
    const { wantsColour } = await import("../print.ts");
    const { clusterKey, nameOf } = await import("../../model/keys.ts");
    const store = await this.openStore(flags);
    const observation = await observe(store);
    const cluster = (await store.read(clusterKey))?.value;
    // A store that was emptied no longer says which one it was.
    const known = await this.#knownHere(store, cluster);
    const presences = (await store.list(["presence"])).list("presence");
    const document = statusDocument({
      observation,
      pending: await pendingTexts(observation.state),
      store: store.url,
      cluster,
      presences: new Map(presences.map(({ key, value }) => [nameOf(key), value])),
      docker: await this.#docker(),
      dns: known && (await this.#dns(known.id)),
      holders: await this.#holders(store, known),
    });
    await this.printDocument(flags.output, document, () =>
      statusText(document, observation.nowMs, wantsColour(process.stdout)),
    );
  }

  async #knownHere(store: Store, cluster: ClusterDocument | undefined): Promise<ClusterDocument | undefined> {
    const { lastKnownCluster } = await import("../run/known-cluster.ts");
    return (await lastKnownCluster(this.settings.stateDir, store.url)) ?? cluster;
  }

  async #holders(store: Store, known: ClusterDocument | undefined): Promise<Holder[]> {
    const { holderSelectors, holdersOf } = await import("../holders.ts");
    return holdersOf(await store.list(holderSelectors), this.settings.stateDir, known?.id);
  }

  async #docker(): Promise<StatusDocument["docker"]> {
    const { openRuntime } = await import("../../roles.ts");
    const { messageOf } = await import("../../model/errors.ts");
    const limit = AbortSignal.timeout(dockerLimitMs);
    const late = new Promise<never>((_, reject) => {
      limit.onabort = () => reject(new Error(`Docker does not answer within ${dockerLimitMs / 1000} s`));
    });
    try {
      const info = openRuntime(this.settings, { cluster: "status", node: "status" }).info(limit);
      const { version, apiVersion } = await Promise.race([info, late]);
      return { version, apiVersion };
    } catch (error) {
      return { error: messageOf(error) };
    }
  }

  async #dns(cluster: string): Promise<StatusDocument["dns"]> {
    const { namesStatus } = await import("../../roles.ts");
    const found = await namesStatus(this.settings.stateDir, cluster);
    if (!found) return undefined;
    const { running, healthy, pid, gateway, gatewayPort, localPort } = found;
    return { running, healthy, pid, addresses: [`${gateway}:${gatewayPort}`, `127.0.0.1:${localPort}`] };
  }
}
