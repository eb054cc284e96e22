// Asks a person on a terminal. Elsewhere nobody could answer, so the flag that answers is named instead.
import { createInterface } from "node:readline";
import { OrchestraError } from "../../model/errors.ts";
import type { Look } from "./change-look.ts";

/** What a person said; `interrupted`: Ctrl-C. */
export type Answer = "yes" | "no" | "interrupted";

/** What a command exits with that changed nothing because of the answer; 130 is what a shell gives to a command that Ctrl-C ended. */
export const declinedExitCodes = Object.freeze({ no: 0, interrupted: 130 });

/** Whether the person wants Deployments to be deleted. Throws as `confirm` does. */
export function confirmDelete({ plan }: Look, onlyJson: boolean): Promise<Answer> {
  const names = plan.items.filter(({ after }) => after !== undefined).map(({ name }) => name);
  const what = names.length === 1 ? names.join() : `${names.length} Deployments`;
  return confirm(`Delete ${what}?`, `deleting ${what}`, onlyJson);
}

/** What the person answers; Ctrl-D, and a terminal that goes away, are a no. Throws `invalid` where there is nobody to ask, or where only JSON may be printed. */
export async function confirm(question: string, doing: string, onlyJson = false): Promise<Answer> {
  if (onlyJson || !process.stdin.isTTY || !process.stdout.isTTY) {
    throw new OrchestraError("invalid", `${doing} needs a yes, and there is no terminal to ask on`, {
      hint: "give --yes",
    });
  }
  const answer = await ask(`${question} [y/N] `);
  // The cursor still stands behind the question.
  if (answer === undefined || answer.interrupted) process.stdout.write("\n");
  if (answer?.interrupted) return "interrupted";
  return /^y(es)?$/i.test(answer?.line.trim() ?? "") ? "yes" : "no";
}

/** The line that is typed; undefined: the input has ended. By events alone: what `question` does then differs from one Node to the next. */
function ask(prompt: string): Promise<{ readonly line: string; readonly interrupted: boolean } | undefined> {
  const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<typeof ask>>>();
  const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt });
  terminal.once("line", (line) => resolve({ line, interrupted: false }));
  terminal.once("SIGINT", () => resolve({ line: "", interrupted: true }));
  terminal.once("close", () => resolve(undefined));
  terminal.prompt();
  return promise.finally(() => terminal.close());
}
