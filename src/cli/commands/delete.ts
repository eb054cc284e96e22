import { Args, Flags } from "@oclif/core";
import { OrchestraError } from "../../model/errors.ts";
import { BaseCommand, outputFlag } from "../base.ts";
import { authorOf, filesFlag, readManifests, timeoutOf, waitFlags } from "../change/change-flags.ts";

export default class Delete extends BaseCommand {
  static override summary = "Stop the pods of Deployments and remove all that is known of them.";
  static override description =
    `Asks first on a terminal; elsewhere it needs --yes. Waits until the containers are gone.
A Deployment with \`protect: true\` is deleted only with --force. Exits as apply does.`;
  static override examples = [
    "<%= config.bin %> delete web api",
    "<%= config.bin %> delete -f manifests/ --yes",
    "<%= config.bin %> delete web --yes --no-wait",
  ];
  static override args = {
    names: Args.string({ description: "names of Deployments", multiple: true, ignoreStdin: true }),
  };
  static override flags = {
    file: filesFlag(),
    yes: Flags.boolean({ char: "y", summary: "Do not ask.", default: false }),
    force: Flags.boolean({ summary: "Delete what is protected too.", default: false }),
    output: outputFlag("table", "json"),
    ...waitFlags,
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Delete);
    const timeout = await timeoutOf(flags);
    const { deploymentName } = await import("../change/change-arguments.ts");
    const named = (argv as string[]).map(deploymentName);
    const inFiles = await this.#namesInFiles(flags.file ?? []);
    if (named.length === 0 && flags.file === undefined) {
      throw new OrchestraError("invalid", "nothing to delete was named", { hint: "give names, or -f and manifests" });
    }
    const { planDelete } = await import("../../apply/plan.ts");
    const { carryOut } = await import("../change/change.ts");
    const { confirmDelete } = await import("../change/confirm.ts");
    const author = await authorOf(this.settings);
    process.exitCode = await carryOut({
      store: await this.openStore(flags),
      // What files name and is not there is gone already; a name on the command line is meant.
      plan: (state) => {
        const there = inFiles.filter((name) => state.deployments.has(name));
        return planDelete(state, [...named, ...there], flags.force, author);
      },
      networkRange: this.settings.networkRange,
      output: flags.output === "json" ? "json" : "table",
      wait: flags.wait,
      timeout,
      ...(flags.yes ? {} : { confirm: (look) => confirmDelete(look, flags.output === "json") }),
    });
  }

  async #namesInFiles(files: readonly string[]): Promise<string[]> {
    if (files.length === 0) return [];
    const manifests = await readManifests(files, { cacheDir: this.settings.cacheDir, warn: (text) => this.note(text) });
    return manifests.map(({ spec }) => spec.name);
  }
}
