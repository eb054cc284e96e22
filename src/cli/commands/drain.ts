import { Args } from "@oclif/core";
import { BaseCommand } from "../base.ts";
import { timeoutOf, waitFlags } from "../change/change-flags.ts";

export default class Drain extends BaseCommand {
  static override summary = "Move the pods of a node elsewhere, and place no new ones on it.";
  static override description =
    `Each pod gets a successor on another node and leaves when that is ready, within maxSurge and maxUnavailable of its Deployment.
Waits until the node has no pods; exits with 5 when that takes longer than --timeout, and with 4 at once when only pods of failed rollouts are left:
those stay until another manifest is applied. uncordon takes it back.`;
  static override examples = ["<%= config.bin %> drain n1", "<%= config.bin %> drain n1 --no-wait"];
  static override args = {
    node: Args.string({ description: "a node's name", required: true, ignoreStdin: true }),
  };
  static override flags = waitFlags;

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Drain);
    const timeout = await timeoutOf(flags);
    const { observe } = await import("../show/observe.ts");
    const { resolveName } = await import("../names.ts");
    const { drain } = await import("../cordon.ts");
    const { stuckOn, waitDrained } = await import("../drain.ts");
    const { stuckText } = await import("../show/stuck.ts");
    const { systemClock } = await import("../../clock.ts");
    const { waitExitCodes } = await import("../change/wait-text.ts");
    const store = await this.openStore(flags);
    const observation = await observe(store);
    const { name } = resolveName(observation.state, args.node, { kinds: ["node"] });
    await drain(store, name, { by: this.settings.user, at: new Date().toISOString() });
    if (!flags.wait || observation.present.size === 0) {
      const who =
        observation.present.size === 0 ? "orchestra up moves its pods when it runs" : "its pods are being moved";
      this.print(`node/${name} is drained: ${who}. orchestra get nodes shows how it goes on.`);
      const kept = stuckOn(observation.state, name);
      if (kept.length > 0) this.note(stuckText(kept));
      return;
    }
    const onLeft = (left: readonly string[]) => left.length > 0 && this.note(`${left.length} left: ${left.join(", ")}`);
    const { end, left, stuck } = await waitDrained(store, {
      node: name,
      clock: systemClock,
      timeoutMs: timeout.ms,
      onLeft,
    });
    if (end === "empty") this.print(`node/${name} has no pods any more.`);
    else if (end === "stopping")
      this.print(`node/${name} is away: ${left.join(", ")} have successors, and are stopped when it is back.`);
    else if (end === "uncordoned") this.print(`node/${name} takes pods again: somebody has uncordoned it.`);
    else if (end === "stuck") {
      this.note(`Error: these pods do not leave ${name}: ${left.join(", ")}. It stays drained.\n${stuckText(stuck)}`);
      process.exitCode = waitExitCodes.failed;
    } else {
      this.note(`Error: not all pods have left ${name} after ${timeout.text}: ${left.join(", ")}. It stays drained.`);
      this.note("Hint: orchestra why POD tells what a pod or its successor waits for; --timeout waits longer.");
      process.exitCode = waitExitCodes.timeout;
    }
  }
}
