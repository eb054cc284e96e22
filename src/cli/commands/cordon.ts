import { Args } from "@oclif/core";
import { BaseCommand } from "../base.ts";

export default class Cordon extends BaseCommand {
  static override summary = "Place no new pods on a node.";
  static override description = "Pods that are there stay and are kept running. A second time changes nothing.";
  static override examples = ["<%= config.bin %> cordon n1"];
  static override args = {
    node: Args.string({ description: "a node's name", required: true, ignoreStdin: true }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Cordon);
    const { observe } = await import("../show/observe.ts");
    const { resolveName } = await import("../names.ts");
    const { cordon } = await import("../cordon.ts");
    const { age } = await import("../print.ts");
    const store = await this.openStore(flags);
    const { name } = resolveName((await observe(store)).state, args.node, { kinds: ["node"] });
    const act = { by: this.settings.user, at: new Date().toISOString() };
    const { changed, cordoned = act } = await cordon(store, name, act);
    if (changed) this.print(`node/${name} is cordoned: its pods stay, and no new ones come.`);
    else this.print(`node/${name} was cordoned already, ${age(cordoned.at, Date.now())} ago by ${cordoned.by}.`);
  }
}
