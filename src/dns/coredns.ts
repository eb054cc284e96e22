// CoreDNS kept running: the one that runs is adopted while it is current, replaced when it is not, and started again when it died.
// Writes the folder `dns/` of the state folder.
import { existsSync } from "node:fs";
import type { Clock } from "../clock.ts";
import { replaceFile } from "../durable-file.ts";
import type { Log } from "../log.ts";
import { isRunning, writeProcessRecord } from "../process-record.ts";
import type { EngineAddress } from "./coredns-container.ts";
import { anyFreePort, checkGateway, claimLocalPort } from "./coredns-ports.ts";
import {
  type CorednsFiles,
  type CorednsRecord,
  corednsFiles,
  endCoredns,
  readCorednsRecord,
  startCoredns,
} from "./coredns-process.ts";
import { type CorednsSettings, decideWanted, type Wanted } from "./coredns-wanted.ts";
import { type CorefileSettings, fillCorefile } from "./corefile.ts";

export interface CorednsOptions extends CorednsSettings {
  readonly stateDir: string;
  /** For the case that CoreDNS has to come as an image. */
  readonly engine: EngineAddress;
  readonly clock: Clock;
  readonly log: Log;
}

export interface Coredns {
  /**
   * Makes sure that a current CoreDNS runs for a node whose bridge has this gateway; undefined: unknown now, so the one of last time counts.
   * `signal` gives up what may take long. Returns in how many milliseconds to look again where it must wait before it starts one.
   */
  ensure(gateway: string | undefined, signal: AbortSignal): Promise<number | undefined>;
  /** Notes the one that runs again where its record was deleted: `down` and the next start must find it. */
  keepNoted(): void;
}

/** One that dies within this time of its start is not started again at once. */
const steadyAfterMs = 60_000;
const restartFirstMs = 1_000;
const restartMaxMs = 30_000;

export function openCoredns(options: CorednsOptions): Coredns {
  return new KeptCoredns(options);
}

class KeptCoredns implements Coredns {
  readonly #options: CorednsOptions;
  readonly #files: CorednsFiles;
  #startedAt: number | undefined;
  #quickDeaths = 0;
  /** The process that was found or started last; undefined before, and while it is replaced. */
  #known: number | undefined;
  /** The one that we know to run. */
  #last: CorednsRecord | undefined;
  #waiting = false;

  constructor(options: CorednsOptions) {
    this.#options = options;
    this.#files = corednsFiles(options.stateDir);
  }

  keepNoted(): void {
    const last = this.#last;
    if (!last || existsSync(this.#files.record) || !isRunning(last)) return;
    const { log } = this.#options;
    log.warn("the files of CoreDNS in the state folder were deleted; it answers on", { pid: last.pid });
    // A container goes on seeing the deleted folder: no new zone would reach it.
    writeProcessRecord(this.#files.record, last.container ? { ...last, fingerprint: "sees a deleted folder" } : last);
  }

  async ensure(currentGateway: string | undefined, signal: AbortSignal): Promise<number | undefined> {
    const old = readCorednsRecord(this.#files);
    const gateway = currentGateway ?? old?.gateway;
    if (gateway === undefined) {
      this.#waitForBridge();
      return undefined;
    }
    const wanted = await decideWanted(gateway, this.#options, this.#files);
    const { log } = this.#options;
    const runs = old !== undefined && isRunning(old);
    if (runs && old.fingerprint === wanted.fingerprint) {
      this.#keep(old);
      return undefined;
    }
    if (runs) log.info("CoreDNS is started anew: its program or its settings changed", { pid: old.pid });
    else if (this.#known !== undefined) {
      const waitMs = this.#restartWaitMs();
      if (waitMs > 0) return waitMs;
      this.#quickDeaths += 1;
      log.warn("CoreDNS has ended and is started again", { pid: this.#known });
    }
    await this.#start(wanted, old, signal);
    return undefined;
  }

  #waitForBridge(): void {
    if (!this.#waiting) {
      this.#options.log.info("CoreDNS waits for the node's bridge: the worker makes it when Docker answers");
    }
    this.#waiting = true;
  }

  #keep(record: CorednsRecord): void {
    const { pid } = record;
    if (this.#known === undefined) this.#options.log.info("CoreDNS is still running and is kept", { pid });
    this.#known = pid;
    this.#last = record;
  }

  /** 0: start now. */
  #restartWaitMs(): number {
    if (this.#startedAt === undefined) return 0;
    const livedMs = this.#options.clock.now() - this.#startedAt;
    if (livedMs >= steadyAfterMs) this.#quickDeaths = 0;
    if (this.#quickDeaths === 0) return 0;
    return Math.max(0, Math.min(restartFirstMs * 2 ** (this.#quickDeaths - 1), restartMaxMs) - livedMs);
  }

  async #start(wanted: Wanted, old: CorednsRecord | undefined, signal: AbortSignal): Promise<void> {
    this.#known = undefined;
    const record = await replaceCoredns(this.#files, wanted, old, { ...this.#options, signal });
    const { clock, log, localPort: askedPort } = this.#options;
    this.#startedAt = clock.now();
    this.#known = record.pid;
    this.#last = record;
    const { localPort, gateway, program, pid } = record;
    log.info("CoreDNS answers", { pid, program, gateway, local: `127.0.0.1:${localPort}` });
    if (localPort !== askedPort) {
      log.warn(`port ${askedPort} of 127.0.0.1 is taken: names answer on 127.0.0.1:${localPort} instead`);
    }
  }
}

/** Ends the old one, which may hold the ports, and starts the one that is wanted. */
async function replaceCoredns(
  files: CorednsFiles,
  wanted: Wanted,
  old: CorednsRecord | undefined,
  options: CorednsOptions & { readonly signal: AbortSignal },
): Promise<CorednsRecord> {
  if (old) await endCoredns(old);
  const { gateway, gatewayPort, program, fingerprint, resolvers } = wanted;
  await checkGateway(gateway, gatewayPort);
  const { port: localPort, release } = await claimLocalPort(preferredPorts(options.localPort, old));
  try {
    const [healthPort, readyPort] = [await anyFreePort(), await anyFreePort()];
    const ports = { gateway, gatewayPort, localPort, healthPort, readyPort };
    const settings: CorefileSettings = { zoneFile: files.zone, resolvers, ...ports };
    await replaceFile(files.corefile, fillCorefile(wanted.template, settings));
    const asked = { localPortAsked: options.localPort };
    const description = { ...ports, ...asked, program: program.name, fingerprint, startedAt: options.clock.wall() };
    return await startCoredns(files, program, options.engine, description, options.signal);
  } finally {
    await release();
  }
}

/** The port of last time first, unless the setting has changed since: whoever asks there should go on getting answers. */
function preferredPorts(asked: number, old: CorednsRecord | undefined): number[] {
  return old?.localPortAsked === asked ? [old.localPort, asked] : [asked];
}
