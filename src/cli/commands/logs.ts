import { Args, Flags } from "@oclif/core";
import type { JoinedPod } from "../../model/joined-pod.ts";
import { BaseCommand } from "../base.ts";

export default class Logs extends BaseCommand {
  static override summary = "Print what a pod, or every pod of a Deployment, writes.";
  static override description =
    `Works for containers that crashed. When the container is gone, the last lines of its failure are printed.
Of a Deployment each line begins with its pod's name; with -f, pods that come later join in, and 100 are followed at once.`;
  static override examples = [
    "<%= config.bin %> logs web-0",
    "<%= config.bin %> logs deployment/web -f --tail 10",
    "<%= config.bin %> logs web-0 --since 5m --timestamps",
  ];
  static override args = {
    name: Args.string({ description: "a pod or a Deployment", required: true, ignoreStdin: true }),
  };
  static override flags = {
    follow: Flags.boolean({ char: "f", summary: "Go on as lines are written, until Ctrl-C." }),
    tail: Flags.string({ summary: "Only so many last lines of each pod.", helpValue: "N" }),
    since: Flags.string({ summary: "Only lines since then: 5m (ago), or an ISO 8601 time.", helpValue: "TIME" }),
    timestamps: Flags.boolean({ summary: "Print the time of each line." }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Logs);
    const { parseCount, parseSince } = await import("../times.ts");
    const tail = flags.tail === undefined ? {} : { tail: parseCount(flags.tail, "--tail") };
    const since = flags.since === undefined ? {} : { since: parseSince(flags.since, Date.now(), "--since") };
    const { observation, observedSelectors, readFailures } = await import("../show/observe.ts");
    const { resolveName } = await import("../names.ts");
    const { failureOf } = await import("../show/failures.ts");
    const { followLimit, readLogs } = await import("../containers/logs.ts");
    const { goneText } = await import("../containers/gone-text.ts");
    const { runtimesOf } = await import("../containers/engines.ts");
    const store = await this.openStore(flags);
    const view = await store.view(observedSelectors);
    const { state, nowMs } = observation(view.snapshot(), Date.now());
    const target = resolveName(state, args.name, { kinds: ["pod", "deployment"] });
    if (target.kind === "node") return;
    const failures = await readFailures(store);
    const onGone = (pod: JoinedPod, made: boolean) => {
      const { note, lines } = goneText(pod, made, failureOf(state, failures, pod), nowMs);
      this.note(note);
      for (const line of lines) this.print(prefixed(pod, line));
    };
    const prefixed = (pod: JoinedPod, line: string) => (target.kind === "deployment" ? `${pod.name} | ${line}` : line);
    await readLogs({
      view,
      runtimeOf: await runtimesOf(store, this.settings),
      target,
      follow: flags.follow,
      timestamps: flags.timestamps,
      ...tail,
      ...since,
      onLine: (pod, { stream, line }) => process[stream].write(`${prefixed(pod, line)}\n`),
      onGone,
      onMany: (waiting) =>
        this.note(`Only ${followLimit} pods are followed at once; ${waiting} more wait until others are gone.`),
      signal: new AbortController().signal,
    });
  }
}
