import { BaseCommand } from "../../base.ts";
import { sourceArgument } from "../../sync/source-argument.ts";

export default class SyncTrigger extends BaseCommand {
  static override summary = "Have a sync look at its source now, and not only at its next time.";
  static override description = "A folder is looked at whenever it changes; a Git branch only now and then.";
  static override examples = ["<%= config.bin %> sync trigger", "<%= config.bin %> sync trigger manifests/"];
  static override args = { source: sourceArgument };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SyncTrigger);
    const { ownMachine } = await import("../../sync/own-machine.ts");
    const { control, pausedText, triggered } = await import("../../sync/syncs.ts");
    const act = { by: this.settings.user, at: new Date().toISOString() };
    const node = (await ownMachine(this.settings.stateDir))?.node;
    const which = { named: args.source, node };
    const { source, isPaused } = await control(await this.openStore(flags), which, triggered(act));
    this.print(`${source} is asked to look now.`);
    if (isPaused) this.note(pausedText);
  }
}
