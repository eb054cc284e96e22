import { Args } from "@oclif/core";
import { BaseCommand, outputFlag } from "../base.ts";

export default class Why extends BaseCommand {
  static override summary = "Say why a pod is where and how it is.";
  static override description =
    `Why it is pending, with what each node lacks; why it is on its node; why it restarted, is not ready, failed or is being stopped.
Asks the same functions that decide.`;
  static override examples = ["<%= config.bin %> why web-0", "<%= config.bin %> why pod/web-0 -o json"];
  static override args = {
    pod: Args.string({ description: "a pod's name or id", required: true, ignoreStdin: true }),
  };
  static override flags = { output: outputFlag("table", "json", "yaml") };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Why);
    const { observe, readFailures } = await import("../show/observe.ts");
    const { resolveName } = await import("../names.ts");
    const { why, whyText } = await import("../show/why.ts");
    const store = await this.openStore(flags);
    const observation = await observe(store);
    const target = resolveName(observation.state, args.pod, { kinds: ["pod"] });
    if (target.kind !== "pod") return;
    const document = why(observation, target.pod, await readFailures(store));
    await this.printDocument(flags.output, document, () => whyText(document));
  }
}
