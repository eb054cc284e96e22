import { BaseCommand } from "../../base.ts";
import { sourceArgument } from "../../sync/source-argument.ts";

export default class SyncPause extends BaseCommand {
  static override summary = "Have a sync apply nothing until it is resumed.";
  static override description = "What runs goes on as it is. A second time changes nothing.";
  static override examples = ["<%= config.bin %> sync pause", "<%= config.bin %> sync pause manifests/"];
  static override args = { source: sourceArgument };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SyncPause);
    const { ownMachine } = await import("../../sync/own-machine.ts");
    const { control, paused, unheardText } = await import("../../sync/syncs.ts");
    const act = { by: this.settings.user, at: new Date().toISOString() };
    const node = (await ownMachine(this.settings.stateDir))?.node;
    const { source, changed, isHeard } = await control(
      await this.openStore(flags),
      { named: args.source, node },
      paused(act),
    );
    this.print(changed ? `${source} is paused.` : `${source} was paused already.`);
    if (!isHeard) this.note(unheardText);
  }
}
