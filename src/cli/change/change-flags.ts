// The flags that commands which read manifests or change Deployments share.
import { Flags } from "@oclif/core";
import type { Author } from "../../apply/document.ts";
import type { Config } from "../../config.ts";
import type { LoadedManifest } from "../../manifest/manifest.ts";
import { cliSource, namedSource } from "../../model/source.ts";

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

/** Reads manifests; all that is only suspicious goes to `warn`, all that is wrong is thrown. */
export async function readManifests(
  files: readonly string[],
  cacheDir: string,
  warn: (text: string) => void,
): Promise<readonly LoadedManifest[]> {
  const { loadManifests, problemText } = await import("../../manifest/manifest.ts");
  const { manifests, warnings } = await loadManifests(files, { stdin: process.stdin, cacheDir });
  for (const warning of warnings) warn(`Warning: ${problemText(warning)}.`);
  return manifests;
}

/** How long to wait, as a number and as it was written. */
export async function timeoutOf({ timeout }: { readonly timeout: string }) {
  const { parseDuration } = await import("../../model/duration.ts");
  return { ms: parseDuration(timeout, "--timeout"), text: timeout };
}

interface SourceFlags {
  readonly source?: string | undefined;
  readonly adopt?: boolean;
}

/** Who changes Deployments from this command line, now. Throws `invalid` for what is no name of a source. */
export async function authorOf({ user }: Config, { source, adopt = false }: SourceFlags = {}): Promise<Author> {
  const { randomBytes } = await import("node:crypto");
  const newUid = () => randomBytes(8).toString("hex");
  const from = source === undefined ? cliSource : namedSource(source);
  return { by: user, at: new Date().toISOString(), source: from, ...(adopt ? { adopt } : {}), newUid };
}
