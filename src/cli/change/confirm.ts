// Asks a person on a terminal. Elsewhere nobody could answer, so the flag that answers is named instead.
import { createInterface } from "node:readline/promises";
import type { Plan } from "../../apply/plan.ts";
import { OrchestraError } from "../../model/errors.ts";

/** Whether the person wants Deployments to be deleted. Throws as `confirm` does. */
export function confirmDelete({ items }: Plan, onlyJson: boolean): Promise<boolean> {
  const names = items.filter(({ after }) => after !== undefined).map(({ name }) => name);
  const what = names.length === 1 ? names.join() : `${names.length} Deployments`;
  return confirm(`Delete ${what}?`, `deleting ${what}`, onlyJson);
}

/** Whether the person says yes. Throws `invalid` where there is nobody to ask, or where only JSON may be printed. */
export async function confirm(question: string, doing: string, onlyJson = false): Promise<boolean> {
  if (onlyJson || !process.stdin.isTTY || !process.stdout.isTTY) {
    throw new OrchestraError("invalid", `${doing} needs a yes, and there is no terminal to ask on`, {
      hint: "give --yes",
    });
  }
  const questions = createInterface({ input: process.stdin, output: process.stdout });
  try {
    const answer = await questions.question(`${question} [y/N] `);
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    questions.close();
  }
}
