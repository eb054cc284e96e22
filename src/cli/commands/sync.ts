import { Args } from "@oclif/core";
import { absoluteUrl } from "../../store/open-store.ts";
import { BaseCommand } from "../base.ts";
import { serveSync } from "../run/serve-sync.ts";
import { followFlags, followingOf, listenFlag } from "../sync/follow-flags.ts";
import { namedTarget } from "../sync/named-target.ts";

export default class Sync extends BaseCommand {
  static override summary = "Keep the cluster equal to a folder of manifests, or to one in a Git branch.";
  static override description =
    `Save a file, or push a commit, and it is running. Runs in the foreground until Ctrl-C or SIGTERM, and writes its log to standard error.
What it applied stays when it ends. All that is in the folder or commit is applied, or nothing of it: a file that is wrong changes nothing.
What the files lack is deleted once the rest is ready, and what would do more than usual (see --max-delete) waits for sync approve.
What somebody changes by hand is taken back. Git is the system's own, with the keys and credential helpers of who runs this.
Of several syncs of one source one works, and the others stand by; a folder is that of one machine, and another
one of its name is refused. What runs a sync, and what keeps it from its work, tells sync status.`;
  static override examples = [
    "<%= config.bin %> sync manifests/",
    "<%= config.bin %> sync git@example.org:shop.git#main/deploy",
    "<%= config.bin %> sync https://example.org/shop.git#feature/x:deploy --interval 1m",
  ];
  static override args = {
    source: Args.string({
      required: true,
      description: "The folder to follow (dir:FOLDER, whatever it is called), or URL#BRANCH/PATH (URL#BRANCH:PATH).",
      ignoreStdin: true,
    }),
  };
  static override flags = { ...followFlags, listen: listenFlag };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Sync);
    const target = namedTarget(args.source);
    const following = followingOf(target, flags, { flag: "--listen", text: flags.listen });
    const config = this.settings;
    const storeUrl = absoluteUrl(flags.store ?? config.storeUrl);
    await serveSync({ config, storeUrl, ...following });
  }
}
