import { BaseCommand, outputFlag } from "../base.ts";
import { filesFlag } from "../change/change-flags.ts";

export default class Validate extends BaseCommand {
  static override summary = "Check manifests without looking at any cluster.";
  static override description = `Names every mistake of every file with its line and column, and what to do about it.
Exits with 0 when all is valid, and with 2 when something is not.`;
  static override examples = [
    "<%= config.bin %> validate -f manifests/",
    "cat web.yaml | <%= config.bin %> validate -f -",
  ];
  static override flags = {
    file: filesFlag({ required: true }),
    output: outputFlag("table", "json", "yaml"),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Validate);
    const { loadManifests, problemText } = await import("../../manifest/manifest.ts");
    const { cacheDir } = this.settings;
    const { manifests, warnings } = await loadManifests(flags.file, { stdin: process.stdin, cacheDir });
    const names = manifests.map(({ spec }) => spec.name);
    const document = { apiVersion: "orchestra/v1", kind: "Validation", valid: true, deployments: names, warnings };
    const count = names.length === 1 ? "1 Deployment is" : `${names.length} Deployments are`;
    await this.printDocument(flags.output, document, () => {
      for (const warning of warnings) this.note(`Warning: ${problemText(warning)}.`);
      return `${count} valid.`;
    });
  }
}
