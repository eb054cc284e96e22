// How commands about one sync are told which.
import { Args } from "@oclif/core";

const how = { description: "a source, what sync was told to follow, or a part of its name", ignoreStdin: true };

/** Where there is one sync only it needs no name. */
export const sourceArgument = Args.string(how);
/** For what cannot be taken back. */
export const namedSource = Args.string({ ...how, required: true });
