import { Flags } from "@oclif/core";
import type { Limits } from "../../apply/guards.ts";
import type { KnownState, Plan } from "../../apply/plan.ts";
import { OrchestraError } from "../../model/errors.ts";
import type { Store } from "../../store/store.ts";
import { BaseCommand, outputFlag } from "../base.ts";
import {
  authorOf,
  checkPruneFlags,
  filesFlag,
  givenFiles,
  type LimitFlags,
  limitFlags,
  pruneFlag,
  type ReadOptions,
  readManifests,
  sourceFlags,
  timeoutOf,
  waitFlags,
} from "../change/change-flags.ts";
import type { Look } from "../change/change-look.ts";

export default class Apply extends BaseCommand {
  static override summary = "Make the cluster as the manifests say.";
  static override description =
    `Says what changes, writes all of it at once or nothing, and waits until every pod is ready.
Deployments that the files lack are named and left alone; with --prune those of this source are deleted, last of all and only once the others are ready.
What is more than usual (everything, or more than --max-delete, --max-replace and --max-affected) is asked about with --prune, also where a kept plan prunes; where nobody can be asked it needs --yes.
One that belongs to another source is refused, unless --adopt takes it over.
Ctrl-C while waiting ends the waiting only.
With --plan exactly what diff --out has kept is done, or nothing: what has moved since is named, and so is what would come of it now that is worse than told
(more pods that end or find no place, downtime). What turns out better passes. The plan's own files are read again
(paths from the current folder; -f names others, which must hold the same). A plan that has been carried out already is up to date.
Exits with 0 when all is done (or was, or nothing runs yet), 1 after an error, 2 for a mistake in a flag or manifest,
3 when someone else has changed the same Deployment, it belongs to another source, a plan no longer holds, or --prune would do more than usual,
4 when it cannot run as it is (no such image, bad command, port taken)
or is past its progress deadline, 5 after --timeout, and 6 when there is no place for a pod.`;
  static override examples = [
    "<%= config.bin %> apply -f manifests/",
    "<%= config.bin %> apply -f web.yaml --no-wait",
    "<%= config.bin %> apply -f manifests/ --prune --source shop",
    "kustomize build . | <%= config.bin %> apply -f - --timeout 10m",
    "<%= config.bin %> apply --plan plan.json",
  ];
  static override flags = {
    file: filesFlag(),
    plan: Flags.string({
      summary: "Do what this plan says, kept by diff --out, or nothing.",
      helpValue: "FILE",
      exclusive: [...Object.keys(sourceFlags), "prune", ...Object.keys(limitFlags)],
    }),
    ...sourceFlags,
    prune: pruneFlag,
    ...limitFlags,
    yes: Flags.boolean({ char: "y", summary: "Do not ask, whatever --prune is about to do.", default: false }),
    output: outputFlag("table", "json"),
    ...waitFlags,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Apply);
    checkPruneFlags(flags);
    const timeout = await timeoutOf(flags);
    const { cacheDir, networkRange } = this.settings;
    const look = { cacheDir, warn: (text: string) => this.note(text) };
    const { planApply } = await import("../../apply/plan.ts");
    const { carryOut } = await import("../change/change.ts");
    const kept = flags.plan === undefined ? undefined : await this.#readKept(flags.plan, flags.file, look);
    const manifests = kept?.manifests ?? (await readManifests(givenFiles(flags.file), look));
    const author = { ...(await authorOf(this.settings, flags)), ...kept?.origin };
    const prune = kept ? kept.prune === true : flags.prune;
    if (prune && !flags.wait) throw unwaited();
    // A plain apply does no more than somebody has written. A kept plan may come from a job that nobody has watched.
    const guard = prune ? await this.#guard(flags, author.source, kept) : undefined;
    const plan = (state: KnownState) => planApply(state, manifests, author, { prune });
    // A plan for a cluster is not for a store that is made now.
    const store = await this.openStore(flags, kept?.cluster === undefined);
    process.exitCode = await carryOut({
      store,
      plan: kept ? await kept.heldTo(store, plan) : plan,
      planAgain: plan,
      networkRange,
      output: flags.output === "json" ? "json" : "table",
      wait: flags.wait,
      timeout,
      ...(guard ? { confirm: guard } : {}),
      ...(kept ? { check: kept.check } : {}),
    });
  }

  async #guard(
    flags: LimitFlags & { yes: boolean; output: string },
    source: string,
    kept: { readonly limits: Limits | undefined } | undefined,
  ) {
    const { guardOf, limitsOf } = await import("../change/guarded.ts");
    const { yes, output } = flags;
    return guardOf({ source, yes, output, isKept: kept !== undefined, limits: kept?.limits ?? limitsOf(flags) });
  }

  async #readKept(path: string, given: readonly string[] | undefined, look: ReadOptions) {
    const { heldTo, pathsOf, readKeptManifests, readKeptPlan, refuseOtherOutcome } = await import(
      "../change/kept-plan.ts"
    );
    const { clusterKey } = await import("../../model/keys.ts");
    const kept = await readKeptPlan(path);
    const manifests = await readKeptManifests(kept, pathsOf(kept, given), look);
    return {
      manifests,
      origin: kept.origin,
      prune: kept.prune,
      limits: kept.limits,
      cluster: kept.cluster,
      check: ({ plan, forecasts }: Look) => refuseOtherOutcome(kept, plan, forecasts),
      heldTo: async (store: Store, plan: (state: KnownState) => Plan) =>
        heldTo(kept, (await store.read(clusterKey))?.value, plan),
    };
  }
}

function unwaited(): OrchestraError {
  return new OrchestraError("invalid", "--prune waits until the rest is ready, which --no-wait forbids", {
    hint: "leave one of them out",
  });
}
