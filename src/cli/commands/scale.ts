import { Args, Flags } from "@oclif/core";
import { BaseCommand, outputFlag } from "../base.ts";
import { authorOf, timeoutOf, waitFlags } from "../change/change-flags.ts";

export default class Scale extends BaseCommand {
  static override summary = "Say how many pods of a Deployment run.";
  static override description =
    `It holds, whatever the manifest says, until the manifest's own count changes or --reset gives the count back to it.
Exits as apply does.`;
  static override examples = ["<%= config.bin %> scale web 9", "<%= config.bin %> scale web --reset"];
  static override args = {
    name: Args.string({ description: "a Deployment's name", required: true, ignoreStdin: true }),
    replicas: Args.string({ description: "how many pods", ignoreStdin: true }),
  };
  static override flags = {
    replicas: Flags.string({ summary: "How many pods, as kubectl has it.", helpValue: "N" }),
    reset: Flags.boolean({ summary: "Give the count back to the manifest.", default: false }),
    output: outputFlag("table", "json"),
    ...waitFlags,
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Scale);
    const timeout = await timeoutOf(flags);
    const { countOf, deploymentName } = await import("../change/change-arguments.ts");
    const count = countOf([args.replicas, flags.replicas], flags.reset);
    const name = deploymentName(args.name);
    const { planScale } = await import("../../apply/plan.ts");
    const { carryOut } = await import("../change/change.ts");
    const author = await authorOf(this.settings);
    process.exitCode = await carryOut({
      store: await this.openStore(flags),
      plan: (state) => planScale(state, name, count, author),
      networkRange: this.settings.networkRange,
      output: flags.output === "json" ? "json" : "table",
      wait: flags.wait,
      timeout,
    });
  }
}
