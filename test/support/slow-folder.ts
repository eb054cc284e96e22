// A folder that takes as long as a test likes to answer, and then does: what happens meanwhile comes while a pass is looking.
import type { ReachOptions } from "../../src/sync/directory-reach.ts";
import { eventually } from "./eventually.ts";

export function slowFolder() {
  let [isSlow, asked, answer] = [false, 0, () => {}];
  const ask: NonNullable<ReachOptions["ask"]> = () => {
    asked += 1;
    return new Promise<void>((resolve) => {
      if (isSlow) answer = resolve;
      else resolve();
    });
  };
  return {
    ask,
    /** From now on no question is answered; `change` is what the next one is about. Resolves when it was asked. */
    async stall(change: () => Promise<void>): Promise<void> {
      isSlow = true;
      const before = asked;
      await change();
      await eventually("the folder is being asked", () => asked > before);
    },
    /** Answers what was asked, and whatever comes. */
    answer(): void {
      isSlow = false;
      answer();
    },
  };
}
