import { Args } from "@oclif/core";
import { BaseCommand } from "../../base.ts";

export default class SyncApprove extends BaseCommand {
  static override summary = "Let one held pass of a sync go on.";
  static override description =
    `What would do more than usual waits, and sync status shows it with its token. The token stands for exactly
that: when the files or the cluster have changed since, it lets nothing pass, and the pass has another one.
It ends with that pass, and when the files are put back before: the same once more is held once more.`;
  static override examples = ["<%= config.bin %> sync approve 3f9a0c12b7de"];
  static override args = {
    token: Args.string({ required: true, description: "what sync status shows", ignoreStdin: true }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SyncApprove);
    const { approve, pausedText, unheardText } = await import("../../sync/syncs.ts");
    const act = { by: this.settings.user, at: new Date().toISOString() };
    const { source, isHeard, isPaused } = await approve(await this.openStore(flags), args.token, act);
    this.print(`${source} goes on with ${args.token}.`);
    if (!isHeard) this.note(unheardText);
    if (isPaused) this.note(pausedText);
  }
}
