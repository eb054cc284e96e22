// Which CoreDNS should run: the program, what it is told, and a fingerprint that tells whether a running one is still that.
// Reads the host's resolvers and the Corefile of the package.
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { readIfThere } from "../durable-file.ts";
import { publishedImage } from "./coredns-container.ts";
import { type CorednsFiles, findProgram, foldersOf, type Program } from "./coredns-process.ts";
import { behindStubPath, hostResolvers } from "./corefile.ts";

export interface CorednsSettings {
  /** Of the installed package: the Corefile is there, and `make` puts CoreDNS into its `.cache/bin`. */
  readonly packageDir: string;
  /** As PATH. */
  readonly searchPath: string;
  /** Run when there is no such program; absent: the published one. */
  readonly image?: string;
  /** On loopback; another free one is taken where this is not. */
  readonly localPort: number;
  /** On the bridge's gateway; absent: 53, the only one that containers ask. */
  readonly gatewayPort?: number;
  /** Absent: /etc/resolv.conf. */
  readonly resolvConf?: string;
}

export interface Wanted {
  readonly program: Program;
  readonly template: string;
  readonly resolvers: readonly string[];
  readonly gateway: string;
  readonly gatewayPort: number;
  /** Of everything that a running CoreDNS cannot change; the ports that we choose are no part of it, those that are asked for are. */
  readonly fingerprint: string;
}

/** The one for a node whose bridge has this gateway. */
export async function decideWanted(gateway: string, settings: CorednsSettings, files: CorednsFiles): Promise<Wanted> {
  const { packageDir, searchPath, image, localPort, gatewayPort = 53, resolvConf } = settings;
  const program = await findProgram(
    [...foldersOf(searchPath), join(packageDir, ".cache", "bin")],
    image ?? publishedImage,
  );
  const template = await readFile(join(packageDir, "Corefile"), "utf8");
  const texts = [await textOf(resolvConf ?? "/etc/resolv.conf"), await textOf(behindStubPath)] as const;
  const resolvers = hostResolvers(...texts, [gateway]);
  const facts = JSON.stringify([program.stamp, template, resolvers, gateway, gatewayPort, localPort, files.folder]);
  const fingerprint = createHash("sha256").update(facts).digest("hex").slice(0, 16);
  return { program, template, resolvers, gateway, gatewayPort, fingerprint };
}

const textOf = async (path: string): Promise<string> => (await readIfThere(path)) ?? "";
