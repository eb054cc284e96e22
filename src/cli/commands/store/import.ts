import { Args, Flags } from "@oclif/core";
import { isOrchestraError } from "../../../model/errors.ts";
import type { ExportFile } from "../../../store/export-file.ts";
import type { ImportOptions, ImportPlan } from "../../../store/import-plan.ts";
import { BaseCommand, outputFlag } from "../../base.ts";

export default class StoreImport extends BaseCommand {
  static override summary = "Put what store export wrote into a store: a move, or the return of a backup.";
  static override description = `Shows what it would do and writes nothing; with --yes it does it, all of it or nothing.
The store must be empty, or hold the same cluster (--replace), and nobody may run on it. Machines of the cluster follow the imported store
and keep their containers. Only one that has seen more than the file holds waits for an operator's word instead.`;
  static override examples = [
    "<%= config.bin %> store import backup.jsonl --store zk://a,b,c/orchestra",
    "<%= config.bin %> store import backup.jsonl --store zk://a,b,c/orchestra --yes",
  ];
  static override args = {
    file: Args.string({
      description: "what store export wrote; - for standard input",
      required: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    yes: Flags.boolean({ char: "y", summary: "Do it.", default: false }),
    replace: Flags.boolean({
      summary: "Put the file's documents in the place of those that the same cluster has there.",
      default: false,
    }),
    "accept-rollback": Flags.boolean({
      summary: "Go back to an older state: what was changed since is lost, and pods started since are stopped.",
      default: false,
    }),
    output: outputFlag("table", "json", "yaml"),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(StoreImport);
    const { parseExport } = await import("../../../store/export-file.ts");
    const { keepRolesAway, knownHere } = await import("../../store/here.ts");
    const { readWhole } = await import("../../store/files.ts");
    const { importDocument, importText } = await import("../../store/import-text.ts");
    const { absoluteUrl } = await import("../../../store/open-store.ts");
    const url = absoluteUrl(flags.store ?? this.settings.storeUrl);
    const file = parseExport(await readWhole(args.file), args.file === "-" ? "standard input" : args.file);
    const { stateDir } = this.settings;
    const release = keepRolesAway(stateDir, file.cluster.id);
    try {
      const known = await knownHere(stateDir, file.cluster.id);
      const options = { known, replace: flags.replace, acceptRollback: flags["accept-rollback"] };
      const planned = await this.#plan(flags, url, file, options);
      const plan = flags.yes && !planned.done ? await this.#import(flags, file, options) : planned;
      const document = importDocument(file, plan, url, flags.yes ? "imported" : "planned");
      await this.printDocument(flags.output, document, () => importText(document, file.header.store, Date.now()));
    } finally {
      release();
    }
  }

  async #plan(flags: StoreFlag, url: string, file: ExportFile, options: ImportOptions): Promise<ImportPlan> {
    const { importTarget } = await import("../../../store/import.ts");
    const { emptyTarget, planImport } = await import("../../../store/import-plan.ts");
    const store = await this.openStore(flags, false, { unfinished: true }).catch((error: unknown) => {
      if (isOrchestraError(error, "not-found")) return undefined;
      throw error;
    });
    return planImport(file, store ? await importTarget(store) : emptyTarget(url), options);
  }

  /** Only what was planned first: what is refused leaves no new store behind. */
  async #import(flags: StoreFlag, file: ExportFile, options: ImportOptions): Promise<ImportPlan> {
    const { importFile } = await import("../../../store/import.ts");
    return importFile(await this.openStore(flags, true, { unfinished: true }), file, options);
  }
}

interface StoreFlag {
  readonly store: string | undefined;
}
