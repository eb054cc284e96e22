// That this node is alive: its presence, joined again whenever it is lost, and never beside another machine that has its name and key.
// Reads and writes `presence/<node>`, and `statuses/<node>` where they are of an earlier boot.
import { type Clock, sleep } from "../clock.ts";
import type { Log } from "../log.ts";
import { isOrchestraError, messageOf, OrchestraError } from "../model/errors.ts";
import { presenceKey } from "../model/keys.ts";
import type { PresenceDocument } from "../model/node.ts";
import type { Presence, Store } from "../store/store.ts";
import { takeBackFormerBoot } from "./former-boot.ts";
import { copyHint } from "./identity.ts";
import type { NodeFacts } from "./registration.ts";

/** Rejoining after the presence was lost: soon, because a master may already be looking for new places. */
const rejoinMs = 500;
/** A presence that is lost so soon is joined again with a pause: something is wrong that haste does not mend. */
const shortLivedMs = 5_000;
/** Our own process before a reboot is forgotten within its session; whoever is there after that lives. */
const oldSessionMs = 15_000;

export interface Membership {
  leave(): Promise<void>;
}

export interface JoinRequest {
  readonly store: Store;
  readonly facts: NodeFacts;
  readonly pid: number;
  /** The machine's state folder: an error says what to do about it. */
  readonly stateDir: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Gives up the first joining. */
  readonly stop: AbortSignal;
}

/**
 * Joins, and joins again whenever the presence is lost, until `leave`. Throws `conflict` when another living process or machine is this
 * node; a store that does not answer is waited for behind the caller's back.
 */
export async function joinNode(request: JoinRequest): Promise<Membership> {
  const { store, facts, pid, clock, log } = request;
  let presence: Presence | undefined;
  let left = false;
  let isDoubleTold = false;
  let cancel = () => {};

  const join = async () => {
    const { key, place, address } = facts;
    const value = { key, ...(place === undefined ? {} : { place }), address, pid, since: clock.wall() };
    const replaces = (holder: Partial<PresenceDocument>) => isDead(holder, facts);
    await takeBackFormerBoot(store, facts, clock.wall(), replaces);
    presence = await store.join(presenceKey(facts.node), value, { replaces });
    isDoubleTold = false;
    if (left) return presence.leave();
    const { lost } = presence;
    const joinedAt = clock.now();
    // It may have been lost before anybody could listen.
    if (lost.aborted) onLost(joinedAt);
    else lost.addEventListener("abort", () => onLost(joinedAt), { once: true });
  };
  const onLost = (joinedAt: number) => {
    if (left) return;
    log.warn("this node's presence was lost; joining again");
    again(clock.now() - joinedAt < shortLivedMs ? rejoinMs : 0);
  };
  const onRefused = (error: unknown) => {
    const double = doubleIn(error, request);
    if (double && !isDoubleTold) log.warn(double.message, { hint: double.hint });
    else log.debug("joining again failed", { error: messageOf(error) });
    isDoubleTold ||= double !== undefined;
    if (!left) again(rejoinMs);
  };
  const again = (ms: number) => {
    cancel = clock.after(ms, () => {
      join().catch(onRefused);
    });
  };

  try {
    await outlastOldSession(join, request);
  } catch (error) {
    if (!isOrchestraError(error, "unavailable")) throw error;
    again(rejoinMs);
  }
  return {
    async leave() {
      left = true;
      cancel();
      await presence?.leave();
    },
  };
}

/** Whoever was at our place is our predecessor: the lock of the folder is ours now, so it has ended. Anybody else may live, our key or not. */
function isDead(holder: Partial<PresenceDocument>, { key, place, address }: NodeFacts): boolean {
  return holder.key === key && place !== undefined && holder.place === place && holder.address === address;
}

/** Somebody with our key is this machine before its last boot, or a copy of it: the one goes by itself, the other one stays. */
async function outlastOldSession(join: () => Promise<void>, request: JoinRequest): Promise<void> {
  const { clock, log, stop } = request;
  const until = clock.now() + oldSessionMs;
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await join();
    } catch (error) {
      const double = doubleIn(error, request);
      if (!double) throw error;
      if (clock.now() >= until) throw double;
      if (isFirst) log.info("this node is there already; waiting whether that is an old session of its own");
      await sleep(clock, rejoinMs, stop);
    }
  }
}

/** What to say of a holder with our key who cannot be proved dead; undefined: the error is about something else. */
function doubleIn(error: unknown, { facts, stateDir }: JoinRequest): OrchestraError | undefined {
  if (!isOrchestraError(error, "conflict")) return undefined;
  const holder = error.details?.["holder"] as Partial<PresenceDocument> | undefined;
  if (holder?.key !== facts.key || isDead(holder, facts)) return undefined;
  const who = `another machine (${holder.address ?? "address unknown"})`;
  return new OrchestraError(
    "conflict",
    `${who} runs as node ${facts.node} with this machine's key: one is a copy of the other`,
    {
      hint: `${copyHint(stateDir)}; where that other one is the copy, do it there and start this one again`,
      cause: error,
    },
  );
}
