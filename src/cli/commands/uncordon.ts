import { Args } from "@oclif/core";
import { BaseCommand } from "../base.ts";

export default class Uncordon extends BaseCommand {
  static override summary = "Place pods on a node again.";
  static override description =
    "Takes a cordon or drain back. Pods that have moved stay where they are. A second time changes nothing.";
  static override examples = ["<%= config.bin %> uncordon n1"];
  static override args = {
    node: Args.string({ description: "a node's name", required: true, ignoreStdin: true }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Uncordon);
    const { observe } = await import("../show/observe.ts");
    const { resolveName } = await import("../names.ts");
    const { uncordon } = await import("../cordon.ts");
    const store = await this.openStore(flags);
    const { name } = resolveName((await observe(store)).state, args.node, { kinds: ["node"] });
    const { changed } = await uncordon(store, name);
    this.print(changed ? `node/${name} takes pods again.` : `node/${name} was not cordoned.`);
  }
}
