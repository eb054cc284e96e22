import { Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";
import { namedSource } from "../../sync/source-argument.ts";

export default class SyncForget extends BaseCommand {
  static override summary = "Give up a source that nobody will follow any more.";
  static override description =
    `What is known of its sync goes: how it went, what it holds, its pause. Its Deployments stay as they are, and stay its own:
delete deletes them, and --adopt takes them over. Refused while a sync leads. One that is started there again begins anew.
Asks first on a terminal; elsewhere it needs --yes.`;
  static override examples = ["<%= config.bin %> sync forget dir:n1:/srv/manifests --yes"];
  static override args = { source: namedSource };
  static override flags = { yes: Flags.boolean({ char: "y", summary: "Do not ask.", default: false }) };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(SyncForget);
    const { ownMachine } = await import("../../sync/own-machine.ts");
    const { readSync } = await import("../../sync/syncs.ts");
    const { forget } = await import("../../sync/forget.ts");
    const { knownState, planSelectors } = await import("../../../apply/commit.ts");
    const { ownedBy } = await import("../../../apply/prune.ts");
    const { deploymentsText } = await import("../../../model/deployment.ts");
    const { oneLine } = await import("../../print.ts");
    const node = (await ownMachine(this.settings.stateDir))?.node;
    const store = await this.openStore(flags);
    const document = await readSync(store, { named: args.source, node });
    const source = oneLine(document.source);
    const owned = ownedBy(knownState(await store.list(planSelectors)), document.source).length;
    if (owned > 0) this.print(`${deploymentsText(owned)} will stay, and belong to ${source} as before.`);
    if (!(await this.agreed(flags.yes, `Forget ${source}?`, `forgetting ${source}`))) return;
    await forget(store, document);
    this.print(`${source} is forgotten.`);
  }
}
