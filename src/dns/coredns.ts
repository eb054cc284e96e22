// CoreDNS kept running: the one that runs is adopted while it is current, replaced when it is not, and started again when it died.
// Reads the host's resolvers and the Corefile of the package; writes the folder `dns/` of the state folder.
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Clock } from "../clock.ts";
import { readIfThere, replaceFile } from "../durable-file.ts";
import type { Log } from "../log.ts";
import { isRunning, writeProcessRecord } from "../process-record.ts";
import { type EngineAddress, publishedImage } from "./coredns-container.ts";
import { anyFreePort, checkGateway, chooseLocalPort } from "./coredns-ports.ts";
import {
  type CorednsFiles,
  type CorednsRecord,
  corednsFiles,
  endCoredns,
  findProgram,
  foldersOf,
  readCorednsRecord,
  startCoredns,
} from "./coredns-process.ts";
import { behindStubPath, type CorefileSettings, fillCorefile, hostResolvers } from "./corefile.ts";

export interface CorednsOptions {
  readonly stateDir: string;
  /** Of the installed package: the Corefile is there, and `make` puts CoreDNS into its `.cache/bin`. */
  readonly packageDir: string;
  /** As PATH. */
  readonly searchPath: string;
  /** For the case that CoreDNS has to come as an image. */
  readonly engine: EngineAddress;
  /** Run when there is no such program; absent: the published one. */
  readonly image?: string;
  /** On loopback; another free one is taken where this is not. */
  readonly localPort: number;
  /** On the bridge's gateway; absent: 53, the only one that containers ask. */
  readonly gatewayPort?: number;
  /** Absent: /etc/resolv.conf. */
  readonly resolvConf?: string;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Coredns {
  /**
   * Makes sure that a current CoreDNS runs for a node whose bridge has this gateway; undefined: unknown now, so the one of last time counts.
   * Returns in how many milliseconds to look again where it must wait before it starts one.
   */
  ensure(gateway: string | undefined): Promise<number | undefined>;
  /** Notes the one that runs again where its record was deleted: `down` and the next start must find it. */
  keepNoted(): void;
}

/** One that dies within this time of its start is not started again at once. */
const steadyAfterMs = 60_000;
const restartFirstMs = 1_000;
const restartMaxMs = 30_000;

export function openCoredns(options: CorednsOptions): Coredns {
  const { clock, log } = options;
  const files = corednsFiles(options.stateDir);
  let startedAt: number | undefined;
  let quickDeaths = 0;
  let known: number | undefined;
  /** The one that we know to run. */
  let last: CorednsRecord | undefined;
  let waiting = false;

  /** 0: start now. */
  const waitMs = (): number => {
    if (startedAt === undefined) return 0;
    const lived = clock.now() - startedAt;
    if (lived >= steadyAfterMs) quickDeaths = 0;
    if (quickDeaths === 0) return 0;
    return Math.max(0, Math.min(restartFirstMs * 2 ** (quickDeaths - 1), restartMaxMs) - lived);
  };

  const start = async (wanted: Wanted, old: CorednsRecord | undefined) => {
    known = undefined;
    const record = await replaceCoredns(files, wanted, old, options);
    startedAt = clock.now();
    known = record.pid;
    last = record;
    const { localPort, gateway, program, pid } = record;
    log.info("CoreDNS answers", { pid, program, gateway, local: `127.0.0.1:${localPort}` });
    if (localPort !== options.localPort) {
      log.warn(`port ${options.localPort} of 127.0.0.1 is taken: names answer on 127.0.0.1:${localPort} instead`);
    }
  };

  return {
    keepNoted() {
      if (!last || existsSync(files.record) || !isRunning(last)) return;
      log.warn("the files of CoreDNS in the state folder were deleted; it answers on", { pid: last.pid });
      // A container goes on seeing the deleted folder: no new zone would reach it.
      writeProcessRecord(files.record, last.container ? { ...last, fingerprint: "sees a deleted folder" } : last);
    },
    async ensure(currentGateway) {
      const old = readCorednsRecord(files);
      const gateway = currentGateway ?? old?.gateway;
      if (gateway === undefined) {
        if (!waiting) log.info("CoreDNS waits for the node's bridge: the worker makes it when Docker answers");
        waiting = true;
        return undefined;
      }
      const wanted = await decideWanted(gateway, options, files);
      const runs = old !== undefined && isRunning(old);
      if (runs && old.fingerprint === wanted.fingerprint) {
        if (known === undefined) log.info("CoreDNS is still running and is kept", { pid: old.pid });
        known = old.pid;
        last = old;
        return undefined;
      }
      if (runs) log.info("CoreDNS is started anew: its program or its settings changed", { pid: old.pid });
      else if (known !== undefined) {
        const wait = waitMs();
        if (wait > 0) return wait;
        quickDeaths += 1;
        log.warn("CoreDNS has ended and is started again", { pid: known });
      }
      await start(wanted, old);
      return undefined;
    },
  };
}

interface Wanted {
  readonly program: Awaited<ReturnType<typeof findProgram>>;
  readonly template: string;
  readonly resolvers: readonly string[];
  readonly gateway: string;
  readonly gatewayPort: number;
  /** Of everything that a running CoreDNS cannot change; the ports that we choose are no part of it, those that are asked for are. */
  readonly fingerprint: string;
}

async function decideWanted(gateway: string, options: CorednsOptions, files: CorednsFiles): Promise<Wanted> {
  const folders = [...foldersOf(options.searchPath), join(options.packageDir, ".cache", "bin")];
  const program = await findProgram(folders, options.image ?? publishedImage);
  const template = await readFile(join(options.packageDir, "Corefile"), "utf8");
  const texts = [await textOf(options.resolvConf ?? "/etc/resolv.conf"), await textOf(behindStubPath)] as const;
  const resolvers = hostResolvers(...texts, [gateway]);
  const gatewayPort = options.gatewayPort ?? 53;
  const facts = JSON.stringify([
    program.stamp,
    template,
    resolvers,
    gateway,
    gatewayPort,
    options.localPort,
    files.folder,
  ]);
  const fingerprint = createHash("sha256").update(facts).digest("hex").slice(0, 16);
  return { program, template, resolvers, gateway, gatewayPort, fingerprint };
}

const textOf = async (path: string): Promise<string> => (await readIfThere(path)) ?? "";

/** Ends the old one, which may hold the ports, and starts the one that is wanted. */
async function replaceCoredns(
  files: CorednsFiles,
  wanted: Wanted,
  old: CorednsRecord | undefined,
  options: CorednsOptions,
): Promise<CorednsRecord> {
  if (old) await endCoredns(old);
  const { gateway, gatewayPort, program, fingerprint } = wanted;
  await checkGateway(gateway, gatewayPort);
  const settings: CorefileSettings = {
    zoneFile: files.zone,
    gateway,
    gatewayPort,
    localPort: await chooseLocalPort(preferredPorts(options.localPort, old)),
    healthPort: await anyFreePort(),
    readyPort: await anyFreePort(),
    resolvers: wanted.resolvers,
  };
  await replaceFile(files.corefile, fillCorefile(wanted.template, settings));
  const { zoneFile: _zoneFile, resolvers: _resolvers, ...ports } = settings;
  const asked = { localPortAsked: options.localPort };
  const description = { ...ports, ...asked, program: program.name, fingerprint, startedAt: options.clock.wall() };
  return await startCoredns(files, program, options.engine, description);
}

/** The port of last time first, unless the setting has changed since: whoever asks there should go on getting answers. */
function preferredPorts(asked: number, old: CorednsRecord | undefined): number[] {
  return old?.localPortAsked === asked ? [old.localPort, asked] : [asked];
}
