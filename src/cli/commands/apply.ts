import { BaseCommand, outputFlag } from "../base.ts";
import { authorOf, filesFlag, readManifests, sourceFlags, timeoutOf, waitFlags } from "../change/change-flags.ts";

export default class Apply extends BaseCommand {
  static override summary = "Make the cluster as the manifests say.";
  static override description =
    `Says what changes, writes all of it at once or nothing, and waits until every pod is ready.
Deployments that the files lack are named and left alone. One that belongs to another source is refused, unless --adopt takes it over.
Ctrl-C while waiting ends the waiting only.
Exits with 0 when all is done (or was, or nothing runs yet), 1 after an error, 2 for a mistake in a flag or manifest,
3 when someone else has changed the same Deployment or it belongs to another source, 4 when it cannot run as it is (no such image, bad command, port taken)
or is past its progress deadline, 5 after --timeout, and 6 when there is no place for a pod.`;
  static override examples = [
    "<%= config.bin %> apply -f manifests/",
    "<%= config.bin %> apply -f web.yaml --no-wait",
    "kustomize build . | <%= config.bin %> apply -f - --timeout 10m",
  ];
  static override flags = {
    file: filesFlag({ required: true }),
    ...sourceFlags,
    output: outputFlag("table", "json"),
    ...waitFlags,
  };

  async run(): Promise<void> {
    const { flags } = await this.parse(Apply);
    const timeout = await timeoutOf(flags);
    const { cacheDir, networkRange } = this.settings;
    const manifests = await readManifests(flags.file, cacheDir, (text) => this.note(text));
    const { planApply } = await import("../../apply/plan.ts");
    const { carryOut } = await import("../change/change.ts");
    const author = await authorOf(this.settings, flags);
    process.exitCode = await carryOut({
      store: await this.openStore(flags, true),
      plan: (state) => planApply(state, manifests, author),
      networkRange,
      output: flags.output === "json" ? "json" : "table",
      wait: flags.wait,
      timeout,
    });
  }
}
