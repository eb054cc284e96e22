import { Flags } from "@oclif/core";
import { BaseCommand } from "../../base.ts";

export default class StoreExport extends BaseCommand {
  static override summary = "Write everything that the store holds to standard output or a file.";
  static override description = `A backup, or the first half of a move to another store (store import is the other).
One line of JSON for each document, sorted, and a checksum. Environment values are in it as they are: keep it as you keep secrets.
While orchestra runs it is a backup of one moment; to move, end orchestra first, so that nothing changes after it.`;
  static override examples = [
    "<%= config.bin %> store export > backup.jsonl",
    "<%= config.bin %> store export --out backup.jsonl --store zk://a,b,c/orchestra",
  ];
  static override flags = {
    out: Flags.string({ summary: "Write a new file, readable by its owner only.", helpValue: "FILE" }),
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(StoreExport);
    const { exportStore } = await import("../../../store/export.ts");
    const { readersOfStdout, writeNewFile } = await import("../../store/files.ts");
    const store = await this.openStore(flags);
    const { text, cluster, present } = await exportStore(store, new Date().toISOString());
    if (present.length > 0) {
      this.note(
        `Note: orchestra runs on this store (${present.join(", ")}). To move it, end orchestra and export again.`,
      );
    }
    if (flags.out !== undefined) {
      await writeNewFile(flags.out, text);
      this.note(`Exported the cluster ${cluster} to ${flags.out}.`);
      return;
    }
    const readers = readersOfStdout();
    if (readers !== undefined) {
      this.note(
        `Note: the export holds the values of environment variables, and ${readers}; --out FILE writes one for you only.`,
      );
    }
    process.stdout.write(text);
  }
}
