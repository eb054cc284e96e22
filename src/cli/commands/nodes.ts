import { BaseCommand, outputFlag } from "../base.ts";
import Get from "./get.ts";

export default class Nodes extends BaseCommand {
  static override summary = "List the nodes, as get nodes does.";
  static override examples = ["<%= config.bin %> nodes", "<%= config.bin %> nodes -o wide"];
  static override flags = { output: outputFlag("table", "wide", "json", "yaml", "name"), watch: Get.flags.watch };

  async run(): Promise<void> {
    await this.parse(Nodes);
    await Get.run(["nodes", ...this.argv], this.config);
  }
}
