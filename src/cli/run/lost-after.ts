// `--node-lost-after`, for the commands that run a master.
import { Flags } from "@oclif/core";
import type { Config } from "../../config.ts";
import { parseDuration } from "../../model/duration.ts";

export const lostAfterFlag = Flags.string({
  summary:
    "Move the pods of a node whose worker has been away for so long. Default: ORCHESTRA_NODE_LOST_AFTER, else 5s.",
  helpValue: "DURATION",
});

/** The settings with what the flag says, if it was given. */
export function withLostAfter(config: Config, text: string | undefined): Config {
  return text === undefined ? config : { ...config, nodeLostAfterMs: parseDuration(text, "--node-lost-after") };
}
