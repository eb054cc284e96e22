// The flags that commands which read manifests or change Deployments share.
import { Flags } from "@oclif/core";
import type { Author } from "../../apply/document.ts";
import type { Config } from "../../config.ts";
import type { LoadedManifest, LoadOptions } from "../../manifest/manifest.ts";
import { OrchestraError } from "../../model/errors.ts";
import { cliSource, isFollowed, namedSource } from "../../model/source.ts";

export const filesFlag = Flags.custom<string>({
  char: "f",
  summary: "A file, a folder with everything below it, or - for standard input; may be repeated.",
  helpValue: "FILE|DIR|-",
  multiple: true,
  multipleNonGreedy: true,
});

export const waitFlags = {
  wait: Flags.boolean({ summary: "Wait until it is done.", default: true, allowNo: true }),
  timeout: Flags.string({ summary: "Wait no longer than this.", helpValue: "DURATION", default: "5m" }),
};

/** Whose the manifests are. */
export const sourceFlags = {
  source: Flags.string({
    summary: "A name of your own for where the manifests come from. A Deployment belongs to one source.",
    helpValue: "NAME",
  }),
  adopt: Flags.boolean({ summary: "Take over Deployments that belong to another source.", default: false }),
};

export const pruneFlag = Flags.boolean({
  summary: "Delete the Deployments of this source that the files lack, once all others are ready. Needs --source.",
  default: false,
});

const limitFlag = (what: string, besides = "") =>
  Flags.string({
    summary: `Where files are pruned: no more than so many ${what}, or such a share of the source's. Default: 3 or 20%, whichever is more${besides}.`,
    helpValue: "N|N%",
  });

/** How much an apply that prunes may do before a person has looked. */
export const limitFlags = {
  "max-delete": limitFlag("Deployments are deleted, and no more than so many pods go by lower counts"),
  "max-replace": limitFlag("pods are replaced", "; and the pods of any one Deployment"),
  "max-affected": limitFlag("Deployments that are there have pods changed"),
};

export interface ReadOptions extends Pick<LoadOptions, "cacheDir" | "onRead"> {
  readonly warn: (text: string) => void;
}

/** Reads manifests; all that is only suspicious goes to `warn`, all that is wrong is thrown. */
export async function readManifests(
  files: readonly string[],
  { warn, ...options }: ReadOptions,
): Promise<readonly LoadedManifest[]> {
  const { loadManifests, problemText } = await import("../../manifest/manifest.ts");
  const { manifests, warnings } = await loadManifests(files, { stdin: process.stdin, ...options });
  for (const warning of warnings) warn(`Warning: ${problemText(warning)}.`);
  return manifests;
}

/** The paths of `-f`, which a command may do without only where another flag names them. Throws `invalid` where there are none. */
export function givenFiles(files: readonly string[] | undefined): readonly string[] {
  if (files && files.length > 0) return files;
  throw new OrchestraError("invalid", "--file is missing", { hint: "name manifests with -f; see --help" });
}

/** How long to wait, as a number and as it was written. */
export async function timeoutOf({ timeout }: { readonly timeout: string }) {
  const { parseDuration } = await import("../../model/duration.ts");
  return { ms: parseDuration(timeout, "--timeout"), text: timeout };
}

export type LimitFlags = { readonly [name in keyof typeof limitFlags]?: string | undefined };
const limitNames = Object.keys(limitFlags) as (keyof typeof limitFlags)[];

interface PruneFlags extends LimitFlags {
  readonly prune: boolean;
  readonly source: string | undefined;
}

/** Throws `invalid` where nobody can say whose Deployments the files would have to hold, and for limits of what is not limited. */
export function checkPruneFlags({ prune, source, ...limits }: PruneFlags): void {
  const limited = limitNames.find((name) => limits[name] !== undefined);
  if (!prune && limited !== undefined) {
    throw new OrchestraError("invalid", `--${limited} limits what --prune does, and needs it`, {
      hint: "add --prune, or leave it out",
    });
  }
  if (!prune || source !== undefined) return;
  throw new OrchestraError("invalid", "--prune needs --source: what the files lack may be somebody else's", {
    hint: "give these manifests a name: apply them once with --source NAME, and prune with it from then on",
  });
}

interface SourceFlags {
  readonly source?: string | undefined;
  readonly adopt?: boolean;
}

/** Who changes Deployments from this command line, now. Throws `invalid` for what is no name of a source. */
export async function authorOf({ user }: Config, { source, adopt = false }: SourceFlags = {}): Promise<Author> {
  const { randomBytes } = await import("node:crypto");
  const newUid = () => randomBytes(8).toString("hex");
  if (source !== undefined && isFollowed(source)) throw onlyFollowed(source);
  const from = source === undefined ? cliSource : namedSource(source);
  return { by: user, at: new Date().toISOString(), source: from, ...(adopt ? { adopt } : {}), newUid };
}

/** The same for who only looks: at what a sync would do with these files, too, which nobody else may apply. */
export async function lookerOf(config: Config, { source, adopt = false }: SourceFlags): Promise<Author> {
  if (source === undefined || !isFollowed(source)) return authorOf(config, { source, adopt });
  return { ...(await authorOf(config, { adopt })), source };
}

function onlyFollowed(source: string): OrchestraError {
  return new OrchestraError("invalid", `only a sync applies what belongs to ${source}`, {
    hint: "save the files there, or push them; orchestra diff --source shows what that does",
  });
}
