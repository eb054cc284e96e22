import { Flags } from "@oclif/core";
import type { Forecasts } from "../../apply/forecast.ts";
import type { KnownState, Plan } from "../../apply/plan.ts";
import type { LoadedManifest, ReadFile } from "../../manifest/manifest.ts";
import { OrchestraError } from "../../model/errors.ts";
import { shellWord } from "../../model/shell-word.ts";
import { isFollowed } from "../../model/source.ts";
import type { Store } from "../../store/store.ts";
import { BaseCommand, type Output, outputFlag, showValuesFlag } from "../base.ts";
import {
  checkPruneFlags,
  filesFlag,
  limitFlags,
  lookerOf,
  pruneFlag,
  readManifests,
  sourceFlags,
} from "../change/change-flags.ts";
import type { Look } from "../change/change-look.ts";
import { type FailKind, failKinds } from "../change/fail-on.ts";
import type { heldOf } from "../change/guarded.ts";
import type { LiveOptions } from "../change/live.ts";
import type { PlanMarkdownOptions } from "../change/plan-markdown.ts";

/** Above 0, 1 and 2, which say whether something differs and whether that could be told. */
const failExitCode = 3;

interface LookFlags {
  readonly store: string | undefined;
  readonly "from-snapshot": string | undefined;
  readonly "show-values": boolean;
}

interface ShownPlan extends Omit<PlanMarkdownOptions, "notes"> {
  readonly held: ReturnType<typeof heldOf>;
  readonly source: string;
  readonly plan: Plan;
  readonly forecasts: Forecasts;
}

export default class Diff extends BaseCommand {
  static override summary = "Show what an apply would change, and what that does to the pods.";
  static override description =
    `Every field with its old and new value, and the pods that would be created, replaced, stopped or left alone,
with the nodes that the scheduler would use now. Writes nothing into the store.
--out keeps the plan in a file, bound to the files, Deployments and cluster that it rests on: apply --plan does exactly that, or refuses.
-o markdown is for a comment on a pull request, and never longer than one may be.
--live compares the files with the store and with what runs: containers stopped, removed or given other limits by hand, containers that nothing names, counts by scale,
Deployments changed or deleted by hand; and says who did it, where that is known, and what corrects it.
--source with the name of a sync's source (dir:… or git:…, as sync status shows it) is for files that it does not follow yet, those of a
pull request: it shows what the sync would do with them, what it would delete and take back included.
--fail-on looks at the consequences: downtime (no ready pod for a while), delete (of a Deployment), replace (of a pod that runs, now or once there is a place), unplaceable (a pod).
Exits with 0 when nothing differs, with 1 when something does, with 2 after an error, and with 3 when --fail-on found something.`;
  static override examples = [
    "<%= config.bin %> diff -f manifests/",
    "<%= config.bin %> diff -f web.yaml --show-values",
    "<%= config.bin %> diff -f manifests/ --prune --source shop",
    "<%= config.bin %> diff -f manifests/ -o json",
    "<%= config.bin %> diff -f manifests/ --live",
    "<%= config.bin %> diff -f manifests/ --out plan.json",
    "<%= config.bin %> diff -f manifests/ --from-snapshot state.json",
    "<%= config.bin %> diff -f deploy/ --source git:example.org/shop.git#main:deploy -o markdown",
    "<%= config.bin %> diff -f manifests/ --fail-on downtime,delete -o markdown > comment.md",
  ];
  static override flags = {
    file: filesFlag({ required: true }),
    ...sourceFlags,
    prune: pruneFlag,
    ...limitFlags,
    output: outputFlag("table", "json", "yaml", "markdown"),
    out: Flags.string({ summary: "Keep the plan in this file, for apply --plan.", helpValue: "FILE" }),
    "fail-on": Flags.custom<FailKind>({ options: [...failKinds], parse: async (kind) => kind as FailKind })({
      summary: "Exit with 3 when the plan has such a consequence; may be repeated.",
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ",",
    }),
    "from-snapshot": Flags.string({
      summary: "Plan on what orchestra snapshot has written, instead of on a store.",
      helpValue: "FILE",
      exclusive: ["store"],
    }),
    live: Flags.boolean({
      summary:
        "Compare the files, the store and what the engines run: show what has drifted, and who did it where known.",
      exclusive: ["out", "fail-on", "prune", "show-values", "from-snapshot"],
    }),
    "show-values": showValuesFlag,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Diff);
    const followed = flags.source !== undefined && isFollowed(flags.source) ? flags.source : undefined;
    if (followed !== undefined && flags.out !== undefined) throw notForApply(followed);
    const isSync = followed !== undefined;
    const prune = flags.prune || isSync;
    checkPruneFlags({ ...flags, prune });
    const files: ReadFile[] = [];
    const manifests = await readManifests(flags.file, {
      cacheDir: this.settings.cacheDir,
      warn: (text) => this.note(text),
      onRead: (file) => files.push(file),
    });
    const { changesAnything, planApply } = await import("../../apply/plan.ts");
    const { refuseBlocked } = await import("../../apply/commit.ts");
    const author = await lookerOf(this.settings, flags);
    if (flags.live) return this.#live(flags, (state) => planApply(state, manifests, author), followed);
    const { takesBack } = await import("../sync/takes-back.ts");
    const store = isSync && flags["from-snapshot"] === undefined ? await this.#storeIfThere(flags) : undefined;
    const { doer, leaves } = isSync ? await takesBack(store, author, manifests) : { doer: author, leaves: undefined };
    const looked = await this.#look(flags, manifests, (wanted) => (state) => {
      const plan = planApply(state, wanted, doer, { prune });
      return leaves ? leaves(plan) : plan;
    });
    const { plan, forecasts, cluster } = looked;
    if (followed !== undefined) await this.#tellUnknown(store, followed, looked);
    refuseBlocked(plan);
    const { bondOf, tokenOf } = await import("../../apply/token.ts");
    const { planFailures, planFailureTexts } = await import("../change/fail-on.ts");
    const token = tokenOf(bondOf(plan, { cluster: cluster?.id, source: author.source }));
    const failures = planFailures(flags["fail-on"] ?? [], plan, forecasts.deployments);
    const { heldOf, limitsOf } = await import("../change/guarded.ts");
    const { source } = author;
    const limits = limitsOf(flags);
    const held = prune ? heldOf(looked, source, limits) : [];
    const shown = { source, plan, forecasts, token, failures, held, showValues: flags["show-values"] };
    if (flags.out !== undefined) {
      const { keepPlan } = await import("../change/kept-plan.ts");
      await keepPlan(flags.out, { ...shown, cluster, author, limits, paths: flags.file, files });
      const out = shellWord(flags.out);
      this.note(`Kept in ${out} with the token ${token}: orchestra apply --plan ${out} does this or nothing.`);
    }
    await this.#show(flags.output, shown);
    for (const line of planFailureTexts(failures)) this.note(`Failed by ${line}.`);
    if (failures.length > 0) process.exitCode = failExitCode;
    else if (changesAnything(plan)) process.exitCode = 1;
  }

  /** A slip in the name of a source would show all of its files as new. A snapshot knows no syncs. */
  async #tellUnknown(store: Store | undefined, source: string, { snapshot }: Look): Promise<void> {
    if (snapshot?.list("deployments").some(({ value }) => value.source === source)) return;
    const { unknownText } = await import("../sync/syncs.ts");
    const text = store && (await unknownText(store, source));
    if (text !== undefined) this.note(text);
  }

  /** The engines here are asked themselves; of other nodes the store tells what their workers saw. */
  async #live(
    flags: Pick<LookFlags, "store"> & { readonly output: Output },
    plan: LiveOptions["plan"],
    followed: string | undefined,
  ) {
    const { lookLive } = await import("../change/live.ts");
    const { driftMarkdown, driftText } = await import("../change/drift-text.ts");
    const { runtimesOf } = await import("../containers/engines.ts");
    const { ownNode } = await import("../../roles.ts");
    const { wantsColour } = await import("../print.ts");
    const store = await this.openStore(flags);
    const own = store.url.startsWith("file:") ? undefined : await ownNode(this.settings.stateDir);
    const isHere = (node: string) => store.url.startsWith("file:") || node === own;
    const { correctorOf } = await import("../sync/corrector.ts");
    const how = followed === undefined ? {} : { corrector: await correctorOf(store, followed) };
    const runtimeOf = await runtimesOf(store, this.settings);
    const document = await lookLive({ store, plan, ...how, isHere, runtimeOf });
    await this.printDocument(flags.output, document, () =>
      flags.output === "markdown" ? driftMarkdown(document) : driftText(document, wantsColour(process.stdout)),
    );
    if (document.drifts.length > 0) process.exitCode = 1;
  }

  /** 1 says that something differs, so an error needs another code. */
  protected override exitCodeFor(): number {
    return 2;
  }

  /** At the store, or at a snapshot, which needs none. */
  async #look(
    flags: LookFlags,
    manifests: readonly LoadedManifest[],
    planOf: (wanted: readonly LoadedManifest[]) => (state: KnownState) => Plan,
  ): Promise<Look> {
    const { lookAt } = await import("../change/change-look.ts");
    const path = flags["from-snapshot"];
    if (path === undefined) return lookAt(await this.#storeIfThere(flags), planOf(manifests));
    const { lookAtSnapshot } = await import("../change/snapshot-file.ts");
    const { look, about } = await lookAtSnapshot({ path, manifests, planOf, showValues: flags["show-values"] });
    this.note(about);
    return look;
  }

  async #show(output: Output, shown: ShownPlan): Promise<void> {
    const { source, plan, forecasts, token, failures, held, showValues } = shown;
    const { heldText } = await import("../change/guarded.ts");
    const { planDocument } = await import("../change/plan-document.ts");
    const { diffText } = await import("../change/plan-text.ts");
    const { planMarkdown } = await import("../change/plan-markdown.ts");
    const { roomText } = await import("../change/room-text.ts");
    const { wantsColour } = await import("../print.ts");
    const holds = held.length > 0 ? { held } : {};
    const document = { ...planDocument(plan, forecasts, showValues), ...holds, token, failures };
    const notes = held.length > 0 ? [heldText(held, source, token)] : [];
    await this.printDocument(output, document, () =>
      output === "markdown"
        ? planMarkdown(plan, forecasts.deployments, { ...shown, notes: [roomText(forecasts.nodes), ...notes] })
        : [diffText(plan, forecasts, { showValues, colour: wantsColour(process.stdout) }), ...notes].join("\n\n"),
    );
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

function notForApply(source: string): OrchestraError {
  return new OrchestraError(
    "invalid",
    `--out keeps a plan for apply, and only a sync applies what belongs to ${source}`,
    {
      hint: "leave --out out, and save or push the files",
    },
  );
}
