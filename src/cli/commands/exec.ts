import { Args, Flags } from "@oclif/core";
import { OrchestraError } from "../../model/errors.ts";
import { shellWord } from "../../model/shell-word.ts";
import { BaseCommand } from "../base.ts";

export default class Exec extends BaseCommand {
  static override summary = "Run a command in a pod's container.";
  static override description =
    `Of a pod in a rollout the newest ready incarnation is meant. Exits with the command's exit code, and with 127 or 126 where there is no such command or it cannot be run.`;
  static override usage = "exec POD [-i] [-t] -- COMMAND...";
  static override examples = [
    "<%= config.bin %> exec web-0 -- /demo echo hello",
    "<%= config.bin %> exec -it web-0 -- sh",
  ];
  static override args = {
    pod: Args.string({ description: "a pod's name or id", required: true, ignoreStdin: true }),
  };
  static override flags = {
    stdin: Flags.boolean({ char: "i", summary: "Pass standard input to the command." }),
    tty: Flags.boolean({ char: "t", summary: "Give the command a terminal." }),
  };

  async run(): Promise<void> {
    const end = this.argv.indexOf("--");
    const words = end < 0 ? this.argv : this.argv.slice(0, end);
    const command = end < 0 ? [] : this.argv.slice(end + 1);
    if (end < 0) this.#refuseBareCommand();
    const { args, flags } = await this.parse(Exec, words);
    if (!command[0]) {
      const hint = `write it after --, as orchestra exec ${shellWord(args.pod)} -- ls`;
      throw new OrchestraError("invalid", command.length === 0 ? "no command was given" : "the command is empty", {
        hint,
      });
    }
    if (flags.tty && !(process.stdin.isTTY && process.stdout.isTTY)) {
      throw new OrchestraError("invalid", "-t needs a terminal, and this is none", { hint: "leave -t out" });
    }
    const { observe } = await import("../show/observe.ts");
    const { resolveName } = await import("../names.ts");
    const { runtimesOf } = await import("../containers/engines.ts");
    const { runInPod } = await import("../containers/exec.ts");
    const store = await this.openStore(flags);
    const { state } = await observe(store);
    const target = resolveName(state, args.pod, { kinds: ["pod"], preferReady: true });
    if (target.kind !== "pod") return;
    const runtime = (await runtimesOf(store, this.settings))(target.pod.node ?? "");
    process.exitCode = await runInPod({ runtime, pod: target.pod, command, stdin: flags.stdin, tty: flags.tty });
  }

  /** A command that cannot be started ends as it would in a shell. */
  protected override exitCodeFor(error: OrchestraError): number {
    const own = error.details?.["exitCode"];
    return typeof own === "number" ? own : super.exitCodeFor(error);
  }

  /** Docker and older kubectl want no `--`; the parser would only say that it does not know `ls`, or its flags. */
  #refuseBareCommand(): void {
    const isValue = (index: number) => this.argv[index - 1] === "--store";
    const isWord = (word: string, index: number) => !word.startsWith("-") && !isValue(index);
    const pod = this.argv.findIndex(isWord);
    const first = this.argv.findIndex((word, index) => index > pod && isWord(word, index));
    if (pod < 0 || first < 0) return;
    const words = this.argv.map(shellWord);
    const hint = `write orchestra exec ${words.slice(0, first).join(" ")} -- ${words.slice(first).join(" ")}`;
    throw new OrchestraError("invalid", "the command has to come after --", { hint });
  }
}
