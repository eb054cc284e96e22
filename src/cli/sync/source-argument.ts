// How commands about one sync are told which.
import { Args } from "@oclif/core";

export const sourceArgument = Args.string({
  description: "a source, what sync was told to follow, or a part of its name",
  ignoreStdin: true,
});
