// The room that makes pods answer by name: pods, placements, statuses, verdicts and templates → the zone file, and a CoreDNS that serves it.
// Reads a view of the store; writes `dns/` and `dns.json` in the state folder. Names answer on without this process, and without the store.
import { stat } from "node:fs/promises";
import { type Loop, type PassResult, startLoop } from "../loop.ts";
import { isOrchestraError } from "../model/errors.ts";
import { clusterKey, nodeKey, verdictsKey } from "../model/keys.ts";
import { storeSeen } from "../model/known-store.ts";
import type { Store, View } from "../store/store.ts";
import { openStoreMemory, type StoreMemory } from "../store-memory.ts";
import { type Coredns, type CorednsOptions, openCoredns } from "./coredns.ts";
import { type CorednsFiles, corednsFiles } from "./coredns-process.ts";
import { recordsOf } from "./records.ts";
import { followed, openSoundState, type SoundState } from "./sound-state.ts";
import { zoneBody } from "./zone.ts";
import { writeZoneFile } from "./zone-file.ts";

export interface DnsOptions extends CorednsOptions {
  readonly store: Store;
  /** The name of this machine's node: its document says on which bridge to answer. */
  readonly node: string;
}

export interface Dns {
  /** Ends the loops. CoreDNS goes on answering with the last zone. */
  close(): Promise<void>;
}

/** Enough for a timer that was missed: every change wakes the loop. */
const zoneResyncMs = 30_000;
/** How long a dead CoreDNS may stay unnoticed; a look costs one read of /proc. */
const corednsCheckMs = 1_000;

/** Starts both loops; the promise resolves when the store has been asked once, whether it has answered or not. */
export async function startDns(options: DnsOptions): Promise<Dns> {
  const names = new Names(options);
  await names.start();
  return names;
}

class Names implements Dns {
  readonly #options: DnsOptions;
  readonly #files: CorednsFiles;
  readonly #coredns: Coredns;
  /** Absent: the store has not answered yet. CoreDNS is kept running with the zone and the gateway of last time. */
  #view: View | undefined;
  #stopListening = () => {};
  #memory: StoreMemory | undefined;
  readonly #sound: SoundState;
  /** The gateway that CoreDNS was last made sure of. */
  #served: string | undefined;
  #loops: { readonly zone: Loop; readonly process: Loop } | undefined;

  constructor(options: DnsOptions) {
    this.#options = options;
    this.#files = corednsFiles(options.stateDir);
    this.#coredns = openCoredns(options);
    this.#sound = openSoundState(options.log);
  }

  async start(): Promise<void> {
    const { clock, log, stateDir } = this.#options;
    const holding = "names answer on as they were";
    this.#memory = await openStoreMemory({ folder: stateDir, role: "dns", holding, clock, log });
    await this.#openView().catch((error: unknown) => {
      if (!isOrchestraError(error, "unavailable")) throw error;
    });
    const shared = { clock, log };
    this.#loops = {
      zone: startLoop({ ...shared, name: "dns", resyncMs: zoneResyncMs, pass: () => this.#writeZone() }),
      process: startLoop({
        ...shared,
        name: "coredns",
        resyncMs: corednsCheckMs,
        pass: (signal) => this.#keepRunning(signal),
      }),
    };
  }

  async close(): Promise<void> {
    this.#stopListening();
    await Promise.all([this.#loops?.zone.close(), this.#loops?.process.close()]);
    this.#view?.close();
    await this.#memory?.close();
  }

  async #openView(): Promise<View> {
    const view = await this.#options.store.view([...followed, verdictsKey, clusterKey]);
    this.#stopListening = view.onChange(() => {
      this.#loops?.zone.wake();
      if (this.#gateway() !== this.#served) this.#loops?.process.wake();
    });
    this.#view = view;
    return view;
  }

  #gateway(): string | undefined {
    const snapshot = this.#view?.snapshot();
    const key = nodeKey(this.#options.node);
    return snapshot?.damaged.has(key) ? this.#served : snapshot?.get(key)?.value.network?.gateway;
  }

  async #writeZone(): Promise<PassResult> {
    const { clock, log } = this.#options;
    const snapshot = (this.#view ?? (await this.#openView())).snapshot();
    // An old zone answers better than one that a gap in our knowledge has emptied.
    if (!snapshot.fresh || !this.#memory?.trusts(storeSeen(snapshot))) return {};
    const state = this.#sound.stateOf(snapshot);
    if (!state) return {};
    const body = zoneBody(recordsOf(state));
    const written = await writeZoneFile(this.#files.zone, body, Date.parse(clock.wall()) / 1000);
    if (!written) return {};
    log.debug("zone written", { position: snapshot.position });
    if (this.#served === undefined) this.#loops?.process.wake();
    return {};
  }

  async #keepRunning(signal: AbortSignal): Promise<PassResult> {
    this.#coredns.keepNoted();
    // Without a zone CoreDNS would fail every question; the other loop writes the first one and wakes this one.
    if (!(await exists(this.#files.zone))) {
      this.#loops?.zone.wake();
      return {};
    }
    const wanted = this.#gateway();
    const againInMs = await this.#coredns.ensure(wanted, signal);
    this.#served = wanted;
    return againInMs === undefined ? {} : { againInMs };
  }
}

async function exists(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    () => false,
  );
}
