import { resolve } from "node:path";
import { Args, Flags } from "@oclif/core";
import { parseDuration } from "../../model/duration.ts";
import { absoluteUrl } from "../../store/open-store.ts";
import { addressOf } from "../../sync/metrics.ts";
import { targetOf } from "../../sync/target.ts";
import { BaseCommand } from "../base.ts";
import { limitFlags } from "../change/change-flags.ts";
import { limitsOf } from "../change/guarded.ts";
import { serveSync } from "../run/serve-sync.ts";

export default class Sync extends BaseCommand {
  static override summary = "Keep the cluster equal to a folder of manifests, or to one in a Git branch.";
  static override description =
    `Save a file, or push a commit, and it is running. Runs in the foreground until Ctrl-C or SIGTERM, and writes its log to standard error.
What it applied stays when it ends. All that is in the folder or commit is applied, or nothing of it: a file that is wrong changes nothing.
What the files lack is deleted once the rest is ready, and what would do more than usual (see --max-delete) waits for sync approve.
What somebody changes by hand is taken back. Git is the system's own, with the keys and credential helpers of who runs this.
Of several syncs of one source one works, and the others stand by. What runs a sync, and what keeps it from its work, tells sync status.`;
  static override examples = [
    "<%= config.bin %> sync manifests/",
    "<%= config.bin %> sync git@example.org:shop.git#main/deploy",
    "<%= config.bin %> sync https://example.org/shop.git#feature/x:deploy --interval 1m",
  ];
  static override args = {
    source: Args.string({
      required: true,
      description: "The folder to follow, or URL#BRANCH/PATH (URL#BRANCH:PATH).",
      ignoreStdin: true,
    }),
  };
  static override flags = {
    adopt: Flags.boolean({ summary: "Take over Deployments of other sources." }),
    "allow-force-push": Flags.boolean({ summary: "Follow a branch that was pushed by force without asking first." }),
    ...limitFlags,
    interval: Flags.string({ summary: "How often a Git remote is asked.", helpValue: "DURATION", default: "30s" }),
    listen: Flags.string({
      summary: "Where /healthz, /readyz and /metrics (Prometheus) are told. Default: 127.0.0.1:5380, or a free port.",
      helpValue: "HOST:PORT",
    }),
    partial: Flags.boolean({ summary: "Apply the valid files although others are wrong." }),
    "self-heal": Flags.boolean({
      summary: "Take back what was changed by hand; else it is only reported.",
      default: true,
      allowNo: true,
    }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Sync);
    const target = targetOf(args.source, (path) => resolve(path));
    const intervalMs = parseDuration(flags.interval, "--interval");
    const config = this.settings;
    const storeUrl = absoluteUrl(flags.store ?? config.storeUrl);
    const { adopt, partial, "self-heal": heals, "allow-force-push": allowForcePush } = flags;
    const limits = limitsOf(flags);
    const { listen } = flags;
    if (listen !== undefined) addressOf(listen, "--listen");
    await serveSync({ config, storeUrl, target, intervalMs, adopt, partial, heals, limits, allowForcePush, listen });
  }
}
