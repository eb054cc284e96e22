// Which other clients there are, how each is started, and why it may be missing on a machine.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { jsonPeer, type PeerKind } from "./peer.ts";
import { zkCliPeer } from "./peers/zkcli-peer.ts";

const run = promisify(execFile);
/** Debian's own: its packages are not installed for another that may come first on PATH. */
const python = "/usr/bin/python3";
const programs = join(import.meta.dirname, "peers");

export const peerKinds: readonly PeerKind[] = [
  {
    name: "kazoo",
    missing: () =>
      failureOf(python, "-c", "import kazoo").then((failure) => failure && "python3-kazoo is not installed"),
    open: (servers) => jsonPeer([python, join(programs, "kazoo-peer.py"), servers]),
  },
  {
    name: "npm zookeeper",
    missing: npmClientMissing,
    open: (servers) => jsonPeer([process.execPath, join(programs, "npm-peer.cjs"), servers]),
  },
  { name: "zkCli", missing: async () => undefined, open: zkCliPeer },
];

/** Compiles it, unless that is done. Resolves with what the machine lacks for it; any other failure to compile is thrown. */
export async function npmClientMissing(): Promise<string | undefined> {
  for (const tool of ["g++", "make", "python3"]) {
    if (await failureOf(tool, "--version")) return `${tool}, which compiles it, is not installed`;
  }
  const failure = await failureOf(join(import.meta.dirname, "compile-npm-client.sh"));
  if (failure === undefined) return undefined;
  if (/ENOTFOUND|EAI_AGAIN|ETIMEDOUT|ECONNREFUSED|ECONNRESET|ENETUNREACH/.test(failure))
    return "npm reaches no registry";
  throw new Error(`npm's zookeeper could not be compiled:\n${failure}`);
}

async function failureOf(program: string, ...args: readonly string[]): Promise<string | undefined> {
  try {
    await run(program, args);
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
