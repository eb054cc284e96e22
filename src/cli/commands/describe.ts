import { Args } from "@oclif/core";
import { BaseCommand, outputFlag, showValuesFlag } from "../base.ts";

export default class Describe extends BaseCommand {
  static override summary = "Show everything about a Deployment, a pod or a node.";
  static override description = "Values of environment variables are masked unless --show-values is given.";
  static override examples = [
    "<%= config.bin %> describe web",
    "<%= config.bin %> describe pod web-0",
    "<%= config.bin %> describe node/n1 -o json",
  ];
  static override args = {
    what: Args.string({
      description: "a name, as web, deployment/web or pod/web-0; or a kind and a name",
      required: true,
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = { output: outputFlag("table", "json", "yaml"), "show-values": showValuesFlag };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Describe);
    const { observe, readFailures } = await import("../show/observe.ts");
    const { pendingTexts } = await import("../show/pending.ts");
    const { namedOnce, resolveName } = await import("../names.ts");
    const { describeDeployment, describeNode, describePod } = await import("../show/describe.ts");
    const store = await this.openStore(flags);
    const observation = await observe(store);
    const target = resolveName(observation.state, namedOnce(argv as string[]), {
      kinds: ["deployment", "pod", "node"],
    });
    const failures = await readFailures(store);
    const options = { failures, pending: await pendingTexts(observation.state), showValues: flags["show-values"] };
    const description =
      target.kind === "deployment"
        ? describeDeployment(observation, target.name, options)
        : target.kind === "pod"
          ? describePod(observation, target.pod, options)
          : describeNode(observation, target.name);
    const { descriptionText } = await import("../show/describe-text.ts");
    const { wantsColour } = await import("../print.ts");
    const text = { nowMs: observation.nowMs, colour: wantsColour(process.stdout) };
    await this.printDocument(flags.output, description, () => descriptionText(description, text));
  }
}
