import { Flags } from "@oclif/core";
import { OrchestraError } from "../../model/errors.ts";
import { shellWord } from "../../model/shell-word.ts";
import { BaseCommand, showValuesFlag } from "../base.ts";

export default class Snapshot extends BaseCommand {
  static override summary = "Write what a plan needs of the cluster into a file, for diff --from-snapshot.";
  static override description =
    `For CI that must not reach the cluster: a plan on the snapshot is the one that diff would have made at that moment.
Values of environment variables and of probe headers are in it as keyed hashes, enough to tell a change from no change; the key is in it too,
so a value that can be guessed can be found by trying. It is no backup: store export makes one.`;
  static override examples = [
    "<%= config.bin %> snapshot -o state.json",
    "<%= config.bin %> diff --from-snapshot state.json -f manifests/",
  ];
  static override flags = {
    out: Flags.string({
      char: "o",
      summary: "Write this file, readable by its owner only, instead of standard output.",
      helpValue: "FILE",
    }),
    "show-values": showValuesFlag,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Snapshot);
    if (flags.out !== undefined && outputs.includes(flags.out)) throw notHow(flags.out);
    const { randomHex } = await import("../../store/random-hex.ts");
    const { lookSelectors } = await import("../change/change-look.ts");
    const { keepSnapshot, snapshotBody, snapshotText } = await import("../change/snapshot-file.ts");
    const { readersOfStdout } = await import("../store/files.ts");
    const store = await this.openStore(flags);
    const snapshot = await store.list(lookSelectors);
    const origin = { takenAt: new Date().toISOString(), store: store.url };
    const inClear = flags["show-values"];
    const body = snapshotBody(snapshot, origin, inClear ? undefined : randomHex(saltBytes));
    if (flags.out !== undefined) {
      await keepSnapshot(flags.out, body);
      const values = inClear ? ", with the values of environment variables" : "";
      const out = shellWord(flags.out);
      this.note(`Kept in ${out}${values}: orchestra diff --from-snapshot ${out} -f … plans on it.`);
      return;
    }
    const readers = inClear ? readersOfStdout() : undefined;
    if (readers !== undefined)
      this.note(
        `Note: the snapshot holds the values of environment variables, and ${readers}; -o FILE writes one for you only.`,
      );
    process.stdout.write(snapshotText(body));
  }
}

const saltBytes = 16;
/** What -o means to most other commands. */
const outputs: readonly string[] = ["table", "wide", "json", "yaml", "name"];

function notHow(out: string): OrchestraError {
  return new OrchestraError("invalid", `-o names the snapshot's file here, and not how it is printed: "${out}"`, {
    hint: `leave it out for standard output, or write ./${out}`,
  });
}
