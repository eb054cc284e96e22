import { Flags } from "@oclif/core";
import { absoluteUrl } from "../../store/open-store.ts";
import { BaseCommand } from "../base.ts";
import { stopUp } from "../run/stop-up.ts";

export default class Down extends BaseCommand {
  static override summary = "Stop what up started on this machine.";
  static override description =
    `Stops orchestra and CoreDNS: names are no longer answered. Pods run on, unless --pods is given.
Nothing is deleted from the store: the next up goes on from there, and starts pods again that were stopped.
Roles that were started by orchestra run are named and left to whoever started them.`;
  static override examples = ["<%= config.bin %> down", "<%= config.bin %> down --pods"];
  static override flags = {
    pods: Flags.boolean({
      summary: "Stop and remove this machine's containers of this cluster too, and their network.",
    }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Down);
    const storeUrl = absoluteUrl(flags.store ?? this.settings.storeUrl);
    const say = (line: string) => this.print(line);
    await stopUp({ config: this.settings, storeUrl, pods: flags.pods, say });
  }
}
