import { absoluteUrl } from "../../store/open-store.ts";
import { BaseCommand, outputFlag } from "../base.ts";
import { checkColumns, type DoctorDocument, verdictOn } from "../doctor/checks.ts";
import { examine } from "../doctor/doctor.ts";
import { json, table, wantsColour } from "../print.ts";

export default class Doctor extends BaseCommand {
  static override summary = "Check what orchestra needs on this machine, and say how to mend what is wrong.";
  static override description = "Changes nothing. Exits with 1 when something fails.";
  static override flags = { output: outputFlag("table", "json") };

  async run(): Promise<void> {
    const { flags } = await this.parse(Doctor);
    const storeUrl = absoluteUrl(flags.store ?? this.settings.storeUrl);
    const checks = await examine(this.settings, storeUrl);
    if (checks.some(({ state }) => state === "fail")) process.exitCode = 1;
    const document: DoctorDocument = { apiVersion: "orchestra/v1", kind: "Examination", checks };
    if (flags.output === "json") return this.print(json(document));
    this.print(table(checkColumns, checks, { header: false, colour: wantsColour(process.stdout) }));
    for (const { name, mend } of checks) if (mend !== undefined) this.print(`\n${name}: ${mend}.`);
    this.print(`\n${verdictOn(checks)}`);
  }
}
