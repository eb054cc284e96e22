import { Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";

export default class StoreAcceptRollback extends BaseCommand {
  static override summary = "Follow a store that is older than it was, or empty.";
  static override description =
    `When a backup is put in the store's place, or the store comes back without its last changes, machines hold: they keep what they run, and stop nothing.
This says that the store is meant as it is. It shows first which pods the machines would stop and start, as far as that is known,
and asks on a terminal; elsewhere it needs --yes. Where nobody holds it changes nothing.`;
  static override examples = [
    "<%= config.bin %> store accept-rollback",
    "<%= config.bin %> store accept-rollback --yes",
  ];
  static override flags = { yes: Flags.boolean({ char: "y", summary: "Do not ask.", default: false }) };

  async run(): Promise<void> {
    const { flags } = await this.parse(StoreAcceptRollback);
    const { acceptRollback, acceptText, notFromHere } = await import("../../store/accept-rollback.ts");
    const { holderSelectors, holdersOf } = await import("../../holders.ts");
    const { lastKnownCluster } = await import("../../run/known-cluster.ts");
    const { absoluteUrl } = await import("../../../store/open-store.ts");
    const { clusterKey, nameOf } = await import("../../../model/keys.ts");
    const { stateDir, storeUrl } = this.settings;
    const known = await lastKnownCluster(stateDir, absoluteUrl(flags.store ?? storeUrl));
    // One that was removed altogether is accepted as an empty one.
    const store = await this.openStore(flags, known !== undefined);
    const snapshot = await store.list(holderSelectors);
    const cluster = known ?? snapshot.get(clusterKey)?.value;
    const holders = cluster ? await holdersOf(snapshot, stateDir, cluster.id) : [];
    const [someone] = snapshot.list("presence");
    if (!cluster && someone) throw notFromHere(nameOf(someone.key));
    if (!cluster || holders.length === 0) {
      this.print(
        "Nothing to accept: nobody that is known here holds. A machine that does says so in orchestra status.",
      );
      return;
    }
    this.print(acceptText(holders, snapshot.list("presence").length));
    if (!(await this.agreed(flags.yes, "Follow the store as it is?", "accepting a rollback"))) return;
    const incarnation = await acceptRollback(store, snapshot, holders, cluster);
    this.print(`Accepted, as incarnation ${incarnation}: machines that run follow now, others when they start.`);
  }
}
