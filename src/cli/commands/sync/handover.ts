import { Args, Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";

export default class SyncHandover extends BaseCommand {
  static override summary = "Let another machine follow a folder, in place of the one that did.";
  static override description =
    `For a machine that takes the place of one that is gone for good, under its name. Its sync does not lead until then, and says which machine it is.
What its folder lacks is deleted from then on, within the limits of every sync: look first with diff --source. Refused while a sync leads.
The machine that followed the folder before may do so no more.`;
  static override examples = ["<%= config.bin %> sync handover dir:n1:/srv/manifests --to 3f9a0c12b7de"];
  static override args = {
    source: Args.string({
      description: "a folder's source, what sync was told to follow, or a part of its name",
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    to: Flags.string({ summary: "What the sync there says.", helpValue: "MACHINE", required: true }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SyncHandover);
    const { ownMachine } = await import("../../sync/own-machine.ts");
    const { handOver } = await import("../../sync/handover.ts");
    const { oneLine } = await import("../../print.ts");
    const act = { by: this.settings.user, at: new Date().toISOString() };
    const node = (await ownMachine(this.settings.stateDir))?.node;
    const done = await handOver(await this.openStore(flags), { named: args.source, node }, flags.to, act);
    const source = oneLine(done.source);
    this.print(
      done.changed ? `${source} is the folder of ${flags.to} from now on.` : `${source} was its folder already.`,
    );
  }
}
