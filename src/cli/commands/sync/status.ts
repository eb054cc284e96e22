import { Args } from "@oclif/core";
import { BaseCommand, outputFlag } from "../../base.ts";

export default class SyncStatus extends BaseCommand {
  static override summary = "Show every sync: what it follows, what it applied last, and what keeps it from its work.";
  static override examples = ["<%= config.bin %> sync status", "<%= config.bin %> sync status manifests/ -o json"];
  static override args = {
    source: Args.string({ description: "a source, its folder, or a part of its name", ignoreStdin: true }),
  };
  static override flags = { output: outputFlag("table", "json", "yaml") };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SyncStatus);
    const { readSyncs } = await import("../../sync/syncs.ts");
    const { syncStatusDocument, syncStatusText } = await import("../../sync/sync-text.ts");
    const { wantsColour } = await import("../../print.ts");
    const views = await readSyncs(await this.openStore(flags), args.source);
    if (views.length === 0 && flags.output === "table") this.note("No sync.");
    else {
      await this.printDocument(flags.output, syncStatusDocument(views), () =>
        syncStatusText(views, Date.now(), wantsColour(process.stdout)),
      );
    }
  }
}
