import { BaseCommand } from "../../base.ts";
import { sourceArgument } from "../../sync/source-argument.ts";

export default class SyncResume extends BaseCommand {
  static override summary = "Have a paused sync go on.";
  static override description = "What has changed meanwhile is applied at once. A second time changes nothing.";
  static override examples = ["<%= config.bin %> sync resume", "<%= config.bin %> sync resume manifests/"];
  static override args = { source: sourceArgument };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SyncResume);
    const { ownMachine } = await import("../../sync/own-machine.ts");
    const { control, resumed, unheardText } = await import("../../sync/syncs.ts");
    const node = (await ownMachine(this.settings.stateDir))?.node;
    const { source, changed, isHeard } = await control(
      await this.openStore(flags),
      { named: args.source, node },
      resumed,
    );
    this.print(changed ? `${source} goes on.` : `${source} was not paused.`);
    if (!isHeard) this.note(unheardText);
  }
}
