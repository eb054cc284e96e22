import { Flags } from "@oclif/core";
import type { ReadFile } from "../../manifest/manifest.ts";
import { BaseCommand, outputFlag, showValuesFlag } from "../base.ts";
import {
  authorOf,
  checkPruneFlags,
  filesFlag,
  limitFlags,
  pruneFlag,
  readManifests,
  sourceFlags,
} from "../change/change-flags.ts";

export default class Diff extends BaseCommand {
  static override summary = "Show what an apply would change, and what that does to the pods.";
  static override description =
    `Every field with its old and new value, and the pods that would be created, replaced, stopped or left alone,
with the nodes that the scheduler would use now. Writes nothing into the store.
--out keeps the plan in a file, bound to the files, Deployments and cluster that it rests on: apply --plan does exactly that, or refuses.
Exits with 0 when nothing differs, with 1 when something does, and with 2 after an error.`;
  static override examples = [
    "<%= config.bin %> diff -f manifests/",
    "<%= config.bin %> diff -f web.yaml --show-values",
    "<%= config.bin %> diff -f manifests/ --prune --source shop",
    "<%= config.bin %> diff -f manifests/ -o json",
    "<%= config.bin %> diff -f manifests/ --out plan.json",
  ];
  static override flags = {
    file: filesFlag({ required: true }),
    ...sourceFlags,
    prune: pruneFlag,
    ...limitFlags,
    output: outputFlag("table", "json", "yaml"),
    out: Flags.string({ summary: "Keep the plan in this file, for apply --plan.", helpValue: "FILE" }),
    "show-values": showValuesFlag,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Diff);
    checkPruneFlags(flags);
    const files: ReadFile[] = [];
    const manifests = await readManifests(flags.file, {
      cacheDir: this.settings.cacheDir,
      warn: (text) => this.note(text),
      onRead: (file) => files.push(file),
    });
    const { changesAnything, planApply } = await import("../../apply/plan.ts");
    const { refuseBlocked } = await import("../../apply/commit.ts");
    const { lookAt } = await import("../change/change-look.ts");
    const author = await authorOf(this.settings, flags);
    const looked = await lookAt(await this.#storeIfThere(flags), (state) =>
      planApply(state, manifests, author, { prune: flags.prune }),
    );
    const { plan, forecasts, cluster } = looked;
    refuseBlocked(plan);
    const { planDocument } = await import("../change/plan-document.ts");
    const { diffText } = await import("../change/plan-text.ts");
    const { wantsColour } = await import("../print.ts");
    const look = { showValues: flags["show-values"], colour: wantsColour(process.stdout) };
    if (flags.out !== undefined) {
      const { keepPlan } = await import("../change/kept-plan.ts");
      const kept = { plan, forecasts, cluster, author, paths: flags.file, files, showValues: look.showValues };
      const token = await keepPlan(flags.out, kept);
      this.note(
        `Kept in ${flags.out} with the token ${token}: orchestra apply --plan ${flags.out} does this or nothing.`,
      );
    }
    const { heldOf, heldText, limitsOf } = await import("../change/guarded.ts");
    const held = flags.prune ? heldOf(looked, author.source, limitsOf(flags)) : [];
    const document = { ...planDocument(plan, forecasts, look.showValues), ...(held.length > 0 ? { held } : {}) };
    await this.printDocument(flags.output, document, () =>
      [diffText(plan, forecasts, look), ...(held.length > 0 ? [heldText(held)] : [])].join("\n\n"),
    );
    if (changesAnything(plan)) process.exitCode = 1;
  }

  /** 1 says that something differs, so an error needs another code. */
  protected override exitCodeFor(): number {
    return 2;
  }

  /** A store that is not there yet holds nothing: everything would be created. */
  async #storeIfThere(flags: { readonly store: string | undefined }) {
    const { isOrchestraError } = await import("../../model/errors.ts");
    return this.openStore(flags).catch((error: unknown) => {
      if (isOrchestraError(error, "not-found")) return undefined;
      throw error;
    });
  }
}
