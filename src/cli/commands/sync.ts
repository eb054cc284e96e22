import { resolve } from "node:path";
import { Args, Flags } from "@oclif/core";
import { absoluteUrl } from "../../store/open-store.ts";
import { BaseCommand } from "../base.ts";
import { serveSync } from "../run/serve-sync.ts";

export default class Sync extends BaseCommand {
  static override summary = "Keep the cluster equal to a folder of manifests: save a file, and it is running.";
  static override description =
    `Runs in the foreground until Ctrl-C or SIGTERM, and writes its log to standard error. What it applied stays when it ends.
A file that is wrong changes nothing: all that is in the folder is applied, or nothing of it. What somebody changes by hand is taken back.
Of several syncs of one folder one works, and the others stand by. What runs a sync, and what keeps it from its work, tells sync status.`;
  static override examples = ["<%= config.bin %> sync manifests/"];
  static override args = {
    folder: Args.string({ required: true, description: "The folder to follow.", ignoreStdin: true }),
  };
  static override flags = {
    partial: Flags.boolean({ summary: "Apply the valid files although others are wrong." }),
    "self-heal": Flags.boolean({
      summary: "Take back what was changed by hand; else it is only reported.",
      default: true,
      allowNo: true,
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Sync);
    const config = this.settings;
    const storeUrl = absoluteUrl(flags.store ?? config.storeUrl);
    const { partial, "self-heal": heals } = flags;
    await serveSync({ config, storeUrl, path: resolve(args.folder), partial, heals });
  }
}
