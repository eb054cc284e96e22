import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";

export default class SyncResume extends BaseCommand {
  static override summary = "Have a paused sync go on.";
  static override description = "What has changed meanwhile is applied at once. A second time changes nothing.";
  static override examples = ["<%= config.bin %> sync resume", "<%= config.bin %> sync resume manifests/"];
  static override args = {
    source: Args.string({ description: "a source, its folder, or a part of its name", ignoreStdin: true }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SyncResume);
    const { control, resumed } = await import("../../sync/syncs.ts");
    const { source, changed } = await control(await this.openStore(flags), args.source, resumed);
    this.print(changed ? `${source} goes on.` : `${source} was not paused.`);
  }
}
