// One pass of a sync: a look at the source and at the store, and the next step of what makes them equal.
// Reads what its view and its source show; what is written and told is for `writer.ts` and `teller.ts`.
import { randomBytes } from "node:crypto";
import { knownState } from "../apply/commit.ts";
import type { Author } from "../apply/document.ts";
import { followSelectors, observationOf } from "../apply/follow.ts";
import type { Limits } from "../apply/guards.ts";
import { changesAnything } from "../apply/plan.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { PassResult } from "../loop.ts";
import { isOrchestraError } from "../model/errors.ts";
import { clusterKey, syncControlKey } from "../model/keys.ts";
import type { SourceCommit } from "../model/source.ts";
import type { Followed } from "../model/sync.ts";
import type { Leadership, Snapshot, Store } from "../store/store.ts";
import { approvalOf } from "./approval.ts";
import { type Decision, decide } from "./decide.ts";
import { type Attempt, Failing } from "./failing.ts";
import { Fights } from "./fights.ts";
import { type Found, Ground, type GroundOptions, strangeMs } from "./ground.ts";
import type { Meter } from "./meter.ts";
import { Readiness } from "./readiness.ts";
import { doneReport, heldReport, type Report, reportOf, waitingReport } from "./record.ts";
import { type Look, type Source, sourceName } from "./source.ts";
import { nextStep, type Standing } from "./step.ts";
import { tell } from "./teller.ts";
import { noteLetThrough, prune, writeRest } from "./writer.ts";

export interface PassOptions {
  readonly store: Store;
  readonly follows: Followed;
  /** This machine, for people. */
  readonly host: string;
  /** Applies what is valid although something is not. */
  readonly partial: boolean;
  /** Takes back what was changed by hand. */
  readonly heals: boolean;
  /** Takes over what other sources own. */
  readonly adopt: boolean;
  /** How much one pass may do before a person has looked. */
  readonly limits: Limits;
  /** Follows a branch whose history was written anew without asking a person. */
  readonly allowForcePush: boolean;
  readonly meter: Meter;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is being changed for longer than this is told as a trouble. */
const busyToldMs = 5_000;

const unsettledText = "what the files lack is deleted when they have stayed as they are for some seconds";

type Read = Extract<Look, { state: "read" }>;

export interface Led extends Omit<GroundOptions, "source" | "clock"> {
  readonly leadership: Leadership;
  readonly source: Source;
  readonly wake: () => void;
}

export class Pass {
  readonly #options: PassOptions;
  readonly #led: Led;
  readonly #name: string;
  readonly #ground: Ground;
  readonly #readiness: Readiness;
  readonly #failing = new Failing();
  readonly #fights = new Fights();
  /** What the pass under way is about. */
  #attempt: Attempt = { asked: "" };
  #busySince: number | undefined;
  /** What the last pass that had nothing left to do looked at. */
  #calm: (Read & { readonly position: number }) | undefined;

  constructor(options: PassOptions, led: Led) {
    this.#options = options;
    this.#led = led;
    this.#name = sourceName(options.follows);
    this.#ground = new Ground({ ...led, source: this.#name, clock: options.clock });
    this.#readiness = new Readiness(options.store, led.wake);
  }

  close(): void {
    this.#readiness.close();
  }

  /** One look at the source and the store, at most one commit of Deployments, and one of what there is to tell. */
  async run(signal: AbortSignal): Promise<PassResult> {
    try {
      return await this.#run(signal);
    } catch (error) {
      if (signal.aborted || this.#led.leadership.signal.aborted) throw error;
      return await this.#failed(error);
    }
  }

  async #run(signal: AbortSignal): Promise<PassResult> {
    const { leadership, source } = this.#led;
    const { clock } = this.#options;
    const found = this.#ground.find();
    if (!found || leadership.signal.aborted) return { againInMs: strangeMs };
    const control = this.#ground.control();
    if (control?.paused) return this.#paused(found);
    const asked = `${control?.trigger?.at} ${control?.approved?.at}`;
    this.#attempt = { asked };
    const blindMs = this.#failing.restMs(this.#attempt, clock.now());
    if (blindMs > 0) return { againInMs: blindMs };
    const look = await source.look(signal, control?.trigger?.at, found.document.applied?.commit?.id);
    if (signal.aborted || leadership.signal.aborted) return {};
    // The store may have moved while the source was read, and a person may have changed their mind.
    const now = this.#ground.find();
    if (!now) return { againInMs: strangeMs };
    if (this.#ground.control()?.paused) return this.#paused(now);
    if (look.state !== "read") return this.#wait(now, look);
    this.#busySince = undefined;
    const again = look.againInMs === undefined ? {} : { againInMs: look.againInMs };
    this.#attempt = { asked, tree: look.tree };
    const restMs = this.#failing.restMs(this.#attempt, clock.now());
    if (restMs > 0) return { againInMs: Math.min(restMs, look.againInMs ?? restMs) };
    const { position } = now.snapshot;
    const seen = { ...look, position };
    if (this.#calm && isSameLook(this.#calm, seen)) return again;
    const after = await this.#apply(now, look);
    this.#failing.passed();
    const fightMs = this.#fights.nextMs(clock.now());
    this.#calm = after === "calm" && fightMs === undefined ? seen : undefined;
    if (after === "unsettled") return { againInMs: look.unsettledMs ?? 0 };
    return fightMs === undefined ? again : { againInMs: Math.min(fightMs, look.againInMs ?? fightMs) };
  }

  /** Throws what is for the loop to be patient with. */
  async #failed(error: unknown): Promise<PassResult> {
    const { clock, meter, log } = this.#options;
    this.#calm = undefined;
    const failure = this.#failing.failed(error, this.#attempt, clock.now());
    const found = this.#ground.find();
    if (!failure || !found) throw error;
    const { text, restMs } = failure;
    meter.failed();
    if (!isOrchestraError(error)) log.error("sync met a bug", { error: error instanceof Error ? error.stack : error });
    await this.#tell(found, { outcome: "failed", errors: [text] });
    return { againInMs: restMs };
  }

  async #paused(found: Found): Promise<PassResult> {
    await this.#tell(found, { outcome: "paused", errors: [] });
    return {};
  }

  async #wait(found: Found, { state, reason, againInMs }: Exclude<Look, Read>): Promise<PassResult> {
    const { clock } = this.#options;
    this.#busySince ??= clock.now();
    if (state === "away" || clock.now() - this.#busySince >= busyToldMs) {
      await this.#tell(found, { outcome: "away", errors: [reason] });
    }
    return { againInMs };
  }

  /** `open`: the next change of the store goes on with it. `unsettled`: it goes on when the source has stayed as it is. */
  async #apply(found: Found, look: Read): Promise<"calm" | "open" | "unsettled"> {
    const { store, heals, clock, log } = this.#options;
    const first = this.#decide(found, look, found.snapshot);
    if (isDone(first, found.snapshot)) {
      this.#readiness.close();
      const report = reportOf(first, look, heals);
      // What is wrong with a file keeps the deletions back: they are still to be done.
      await this.#tell(found, first.outcome === "partial" ? report : doneReport(report));
      return "calm";
    }
    // What is only looked at where something is to be changed: pods, statuses, nodes.
    const whole = await store.list([...followSelectors, clusterKey, syncControlKey(this.#name)]);
    if (whole.get(syncControlKey(this.#name))?.value.paused) return "open";
    // Of what somebody has changed since, too, it is said whether it is left as it is.
    const decision = this.#decide(found, look, whole);
    const report = reportOf(decision, look, heals);
    if (isDone(decision, whole)) return "open";
    const standing = this.#standing(found, whole, look, decision);
    const step = nextStep(standing);
    if (step.do !== "hold" && standing.approved !== undefined) {
      log.info("sync goes on with what was approved", { ...standing.approved });
    }
    const writing = { found, plan: decision.plan, whole };
    switch (step.do) {
      case "write": {
        const noted = step.letThrough ? await noteLetThrough(store, found, step.letThrough) : found;
        await writeRest(this.#options, { ...writing, found: noted });
        if (heals) this.#fights.corrected(decision.drifted, clock.now());
        await this.#tell(noted, report);
        return "open";
      }
      case "prune":
        if (look.unsettledMs !== undefined) {
          await this.#tell(found, waitingReport(report, [unsettledText], step));
          return "unsettled";
        }
        await prune(this.#options, writing);
        await this.#tell(found, report);
        return "open";
      case "wait":
        await this.#readiness.open();
        await this.#tell(found, waitingReport(report, step.reasons, { ...step, waits: step }));
        return "open";
      case "hold":
        this.#readiness.close();
        await this.#tell(found, heldReport(report, step, { ...look, takenBack: decision.takenBack }));
        return "calm";
      default:
        return step satisfies never;
    }
  }

  #decide({ document: { applied, drift: told } }: Found, { tree, commit }: Read, snapshot: Snapshot): Decision {
    const { partial, heals, clock } = this.#options;
    const resting = this.#fights.resting(clock.now());
    return decide({
      tree,
      state: knownState(snapshot),
      applied,
      told,
      author: this.#author(commit),
      partial,
      heals,
      resting,
    });
  }

  #standing({ document }: Found, whole: Snapshot, { rewritten }: Read, decision: Decision): Standing {
    const { plan, tree = "", left } = decision;
    const { state: cluster, present } = observationOf(whole);
    const state = knownState(whole);
    const { clock, limits, allowForcePush } = this.#options;
    return {
      plan: plan(state),
      state,
      cluster,
      present,
      place: { cluster: whole.get(clusterKey)?.value.id, source: this.#name },
      wall: clock.wall(),
      limits,
      left,
      tree,
      approved: approvalOf(document.held, whole.get(syncControlKey(this.#name))?.value.approved),
      letThrough: document.letThrough,
      rewritten: allowForcePush ? undefined : rewritten,
    };
  }

  #author(commit: SourceCommit | undefined): Author {
    const { host, adopt, clock } = this.#options;
    const who = { by: `sync on ${host}`, at: clock.wall(), source: this.#name };
    const newUid = () => randomBytes(8).toString("hex");
    return { ...who, newUid, ...(commit ? { commit } : {}), ...(adopt ? { adopt } : {}) };
  }

  #tell(found: Found, report: Report): Promise<void> {
    return tell(this.#options, found, report);
  }
}

/** Whether nothing of it is to be written. */
function isDone({ tree, plan }: Decision, snapshot: Snapshot): boolean {
  return tree === undefined || !changesAnything(plan(knownState(snapshot)));
}

function isSameLook(a: NonNullable<Read & { position: number }>, b: Read & { position: number }): boolean {
  return a.tree === b.tree && a.trouble === b.trouble && a.rewritten === b.rewritten && a.position === b.position;
}
