import { Args, Flags } from "@oclif/core";
import { BaseCommand, outputFlag } from "../base.ts";
import { authorOf, timeoutOf, waitFlags } from "../change/change-flags.ts";

export default class Deploy extends BaseCommand {
  static override summary = "Create or change a Deployment without a file.";
  static override description =
    `Does what apply does with a manifest of these fields, and says nothing of others: those that are left out have their defaults.
Without --replicas the count is left to \`scale\`; a new Deployment has one.`;
  static override examples = [
    "<%= config.bin %> deploy web --image nginx:1.27 --replicas 3",
    "<%= config.bin %> deploy web --image nginx:1.27 --port http=80 --env MODE=prod",
  ];
  static override args = {
    name: Args.string({ description: "the Deployment's name", required: true, ignoreStdin: true }),
  };
  static override flags = {
    image: Flags.string({ summary: "The image of its pods.", required: true }),
    replicas: Flags.string({ summary: "How many pods run.", helpValue: "N" }),
    env: Flags.string({
      summary: "A variable of the environment; may be repeated.",
      helpValue: "NAME=VALUE",
      multiple: true,
      multipleNonGreedy: true,
    }),
    port: Flags.string({
      summary: "A port that the container listens on, with a name where one is wanted; may be repeated.",
      helpValue: "[NAME=]PORT",
      multiple: true,
      multipleNonGreedy: true,
    }),
    output: outputFlag("table", "json"),
    ...waitFlags,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Deploy);
    const timeout = await timeoutOf(flags);
    const { deploymentName, manifestOfFlags } = await import("../change/change-arguments.ts");
    const { specFromFlags } = await import("../../manifest/manifest.ts");
    const manifest = specFromFlags(manifestOfFlags({ ...flags, name: deploymentName(args.name) }));
    const { planApply } = await import("../../apply/plan.ts");
    const { carryOut } = await import("../change/change.ts");
    const author = await authorOf(this.settings);
    process.exitCode = await carryOut({
      store: await this.openStore(flags, true),
      // What other files hold is not what this one Deployment is about.
      plan: (state) => ({ ...planApply(state, [manifest], author), notInFiles: [] }),
      networkRange: this.settings.networkRange,
      output: flags.output === "json" ? "json" : "table",
      wait: flags.wait,
      timeout,
    });
  }
}
