import type { Store } from "../../../store/store.ts";
import type { Machine } from "../../../sync/machine.ts";
import { BaseCommand, outputFlag } from "../../base.ts";
import type { OwnMachine } from "../../sync/own-machine.ts";
import { sourceArgument } from "../../sync/source-argument.ts";
import type { SyncView } from "../../sync/sync-text.ts";

export default class SyncStatus extends BaseCommand {
  static override summary = "Show every sync: what it follows, what it applied last, and what keeps it from its work.";
  static override examples = ["<%= config.bin %> sync status", "<%= config.bin %> sync status manifests/ -o json"];
  static override args = { source: sourceArgument };
  static override flags = { output: outputFlag("table", "json", "yaml") };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SyncStatus);
    const { ownMachine } = await import("../../sync/own-machine.ts");
    const { readSyncs } = await import("../../sync/syncs.ts");
    const { syncStatusDocument, syncStatusText } = await import("../../sync/sync-text.ts");
    const { wantsColour } = await import("../../print.ts");
    const store = await this.openStore(flags);
    const own = await ownMachine(this.settings.stateDir);
    const views = await readSyncs(store, { named: args.source, node: own?.node });
    if (views.length === 0 && flags.output === "table") this.note("No sync.");
    else {
      await this.printDocument(flags.output, syncStatusDocument(views), () =>
        syncStatusText(views, Date.now(), wantsColour(process.stdout)),
      );
    }
    if (own) await this.#noteForeign(views, { ...own, isShared: !store.url.startsWith("file:") });
    await this.#noteHolds(store);
  }

  /** What a sync of this machine writes into no store either: that the folder at its path is not the one that is followed. */
  async #noteForeign(views: readonly SyncView[], own: OwnMachine & Machine): Promise<void> {
    const { whyForeign } = await import("../../../sync/machine.ts");
    const { printable } = await import("../../print.ts");
    const { isHere } = await import("../../sync/leaders.ts");
    for (const { document, runs } of views) {
      const { follows, lead } = document;
      if ((runs && isHere(lead)) || follows.kind !== "directory" || follows.node !== own.node) continue;
      const foreign = whyForeign(document, own);
      if (foreign)
        this.note(printable(`A sync of this machine does not lead there: ${foreign.message}.\nHint: ${foreign.hint}.`));
    }
  }

  /** A sync writes nothing into a store that it does not follow: what keeps it is found on its own machine only. */
  async #noteHolds(store: Store): Promise<void> {
    const { lastKnownCluster } = await import("../../run/known-cluster.ts");
    const { holderSelectors, holdersOf } = await import("../../holders.ts");
    const { stateDir } = this.settings;
    const known = await lastKnownCluster(stateDir, store.url);
    const holders = await holdersOf(await store.list(holderSelectors), stateDir, known?.id);
    for (const { reason } of holders.filter(({ about }) => about === "sync")) {
      this.note(`The sync of this machine holds, and applies nothing: ${reason}.`);
    }
  }
}
