import { Args, Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";

export default class NodesForget extends BaseCommand {
  static override summary = "Give a machine up that will not come back.";
  static override description =
    `Drops its pods and its documents; what is still wanted is made elsewhere, and a hold that waits for it may end.
Refused while its worker is there. Should the machine come back all the same, it stops what it still runs and begins anew.
Asks first on a terminal; elsewhere it needs --yes.`;
  static override examples = ["<%= config.bin %> nodes forget n3 --yes"];
  static override args = {
    node: Args.string({ description: "a node's name", required: true, ignoreStdin: true }),
  };
  static override flags = { yes: Flags.boolean({ char: "y", summary: "Do not ask.", default: false }) };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(NodesForget);
    const { observe } = await import("../../show/observe.ts");
    const { resolveName } = await import("../../names.ts");
    const { forgetNode, forgettingText, refusePresent } = await import("../../forget.ts");
    const store = await this.openStore(flags);
    const observation = await observe(store);
    const { name } = resolveName(observation.state, args.node, { kinds: ["node"] });
    refusePresent(observation, name);
    this.print(forgettingText(observation, name));
    if (!(await this.agreed(flags.yes, `Forget ${name}?`, `forgetting ${name}`))) return;
    const done = await forgetNode(store, name, { by: this.settings.user, at: new Date().toISOString() });
    if (done) this.print(`node/${name} is forgotten.`);
    else {
      this.print(
        `Marked. No worker runs on this store (${store.url}), and no master has answered: the next one forgets node/${name}.`,
      );
    }
  }
}
