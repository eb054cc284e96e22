// One pass of a sync: a look at the source and at the store, and a commit of what differs. Reads what its view and its source show;
// writes Deployments and revisions through the plan, and what there is to tell into `syncs/<source>`.
import { randomBytes } from "node:crypto";
import { commitPlan, knownState } from "../apply/commit.ts";
import { commitPrune } from "../apply/commit-prune.ts";
import type { Author } from "../apply/document.ts";
import { followSelectors, observationOf } from "../apply/follow.ts";
import type { Limits } from "../apply/guards.ts";
import { changesAnything, type KnownState, type Plan } from "../apply/plan.ts";
import { withoutPrune } from "../apply/prune.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { PassResult } from "../loop.ts";
import { OrchestraError } from "../model/errors.ts";
import { clusterKey, syncControlKey, syncKey } from "../model/keys.ts";
import type { SourceCommit } from "../model/source.ts";
import {
  errorsKept,
  type Followed,
  type LetThrough,
  type SyncControlDocument,
  type SyncDocument,
} from "../model/sync.ts";
import { type Leadership, put, type Snapshot, type Store, type View } from "../store/store.ts";
import { type Decision, decide } from "./decide.ts";
import type { Meter } from "./meter.ts";
import { Readiness } from "./readiness.ts";
import { isOwn, nextRecord, type Report } from "./record.ts";
import { type Look, type Source, sourceName } from "./source.ts";
import { nextStep, type Standing } from "./step.ts";

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
  readonly meter: Meter;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is being changed for longer than this is told as a trouble. */
const busyToldMs = 5_000;
/** A leader whose own word is not in the store for so long asks again whether it leads. */
const strangeMs = 5_000;

const unsettledText = "what the files lack is deleted when they have stayed as they are for some seconds";

type Read = Extract<Look, { state: "read" }>;

interface Led {
  readonly leadership: Leadership;
  readonly view: View;
  readonly source: Source;
  readonly own: SyncDocument["lead"];
  readonly doubt: AbortController;
  readonly wake: () => void;
}

/** What was found in the store and in the source, and is to be made equal. */
interface Found {
  readonly snapshot: Snapshot;
  readonly document: SyncDocument;
  readonly version: number;
}

export class Pass {
  readonly #options: PassOptions;
  readonly #led: Led;
  readonly #name: string;
  readonly #readiness: Readiness;
  #busySince: number | undefined;
  #strangeSince: number | undefined;
  /** What the last pass that had nothing left to do looked at. */
  #calm: (Read & { readonly position: number }) | undefined;

  constructor(options: PassOptions, led: Led) {
    this.#options = options;
    this.#led = led;
    this.#name = sourceName(options.follows);
    this.#readiness = new Readiness(options.store, led.wake);
  }

  close(): void {
    this.#readiness.close();
  }

  /** One look at the source and the store, at most one commit of Deployments, and one of what there is to tell. */
  async run(signal: AbortSignal): Promise<PassResult> {
    const { leadership, view, source } = this.#led;
    const found = this.#find(view.snapshot());
    if (!found || leadership.signal.aborted) return { againInMs: strangeMs };
    const control = this.#control();
    if (control?.paused) {
      await this.#tell(found, { outcome: "paused", errors: [] });
      return {};
    }
    const look = await source.look(signal, control?.trigger?.at);
    if (signal.aborted || leadership.signal.aborted) return {};
    if (look.state !== "read") return this.#wait(found, look);
    this.#busySince = undefined;
    const again = look.againInMs === undefined ? {} : { againInMs: look.againInMs };
    // The store may have moved while the source was read.
    const now = this.#find(view.snapshot());
    if (!now) return { againInMs: strangeMs };
    const { position } = now.snapshot;
    const seen = { ...look, position };
    if (this.#calm && isSameLook(this.#calm, seen)) return again;
    const after = await this.#apply(now, look);
    this.#calm = after === "calm" ? seen : undefined;
    return after === "unsettled" ? { againInMs: look.unsettledMs ?? 0 } : again;
  }

  /** Undefined while the store's word cannot be relied on, or somebody else has been elected. */
  #find(snapshot: Snapshot): Found | undefined {
    if (!snapshot.fresh) return undefined;
    if (!snapshot.get(clusterKey)) {
      const hint = "put the store back, or have it followed as it is: orchestra store accept-rollback";
      throw new OrchestraError("unavailable", "the store holds no cluster; nothing is applied to it", { hint });
    }
    const document = snapshot.get(syncKey(this.#name));
    if (!document || !isOwn(document.value.lead, this.#led.own)) return this.#doubt();
    this.#strangeSince = undefined;
    return { snapshot, document: document.value, version: document.version };
  }

  /** Our own word is not there: it is on its way, or another leads, or somebody has put an older document in its place. */
  #doubt(): undefined {
    const { clock } = this.#options;
    this.#strangeSince ??= clock.now();
    if (clock.now() - this.#strangeSince >= strangeMs) this.#led.doubt.abort(new Error("another one leads"));
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
  async #apply(found: Found, { tree, commit, trouble, unsettledMs }: Read): Promise<"calm" | "open" | "unsettled"> {
    const { store, partial, heals } = this.#options;
    const author = this.#author(commit);
    const state = knownState(found.snapshot);
    const decision = decide({ tree, state, applied: found.document.applied, author, partial, heals });
    const report = withSource(reportOf(decision, heals), commit, trouble);
    if (decision.tree === undefined || !changesAnything(decision.plan(state))) {
      this.#readiness.close();
      await this.#tell(found, report);
      return "calm";
    }
    // What is only looked at where something is to be changed: pods, statuses, nodes.
    const whole = await store.list([...followSelectors, clusterKey]);
    const step = nextStep(this.#standing(found, whole, { ...decision, tree: decision.tree }));
    switch (step.do) {
      case "write":
        await this.#write(await this.#letThrough(found, step.letThrough), decision, whole, report);
        return "open";
      case "prune":
        if (unsettledMs !== undefined) {
          await this.#tell(found, { ...report, outcome: "waiting", errors: [...report.errors, unsettledText] });
          return "unsettled";
        }
        await this.#prune(found, decision, whole, report);
        return "open";
      case "wait":
        await this.#readiness.open();
        await this.#tell(found, { ...report, outcome: "waiting", errors: [...report.errors, ...step.reasons] });
        return "open";
      case "hold":
        this.#readiness.close();
        await this.#tell(found, { outcome: "held", errors: step.reasons, held: step.held });
        return "calm";
      default:
        return step satisfies never;
    }
  }

  #standing({ document }: Found, whole: Snapshot, { plan, tree }: Decision & { tree: string }): Standing {
    const { state: cluster, present } = observationOf(whole);
    const state = knownState(whole);
    const { clock, limits } = this.#options;
    return {
      plan: plan(state),
      state,
      cluster,
      present,
      place: { cluster: whole.get(clusterKey)?.value.id, source: this.#name },
      wall: clock.wall(),
      limits,
      tree,
      approved: this.#control()?.approved?.token,
      letThrough: document.letThrough,
    };
  }

  #control(): SyncControlDocument | undefined {
    return this.#led.view.snapshot().get(syncControlKey(this.#name))?.value;
  }

  /** Noted before the rest is written: whoever goes on after us must know what was looked at. */
  async #letThrough(found: Found, letThrough: LetThrough | undefined): Promise<Found> {
    if (!letThrough) return found;
    const key = syncKey(this.#name);
    const document = { ...found.document, letThrough };
    await this.#options.store.commit({ changes: [put(key, document, found.version)] });
    const now = await this.#options.store.read(key);
    if (!now || !isOwn(now.value.lead, this.#led.own)) throw new OrchestraError("conflict", "another sync leads");
    return { ...found, document: now.value, version: now.version };
  }

  async #write(found: Found, { plan }: Decision, whole: Snapshot, report: Report): Promise<void> {
    const rest = (state: KnownState) => withoutPrune(plan(state));
    const shown = rest(knownState(whole));
    this.#said("applied", await commitPlan(this.#options.store, shown, rest, this.#checks(found)));
    await this.#tell(found, report);
  }

  async #prune(found: Found, { plan }: Decision, whole: Snapshot, report: Report): Promise<void> {
    const shown = plan(knownState(whole));
    this.#said("pruned", await commitPrune(this.#options.store, shown, plan, this.#checks(found)));
    await this.#tell(found, report);
  }

  /** Nobody else has become the leader since. */
  #checks({ version }: Found) {
    return [{ key: syncKey(this.#name), version }];
  }

  #said(what: "applied" | "pruned", { items }: Plan): void {
    const names = items.filter(({ after }) => after).map(({ name }) => name);
    const fields = { count: names.length, deployments: names.slice(0, errorsKept) };
    this.#options.meter.wrote(what, names.length);
    if (names.length > 0) this.#options.log.info(`sync ${what}`, fields);
  }

  #author(commit: SourceCommit | undefined): Author {
    const { host, adopt, clock } = this.#options;
    const who = { by: `sync on ${host}`, at: clock.wall(), source: this.#name };
    const newUid = () => randomBytes(8).toString("hex");
    return { ...who, newUid, ...(commit ? { commit } : {}), ...(adopt ? { adopt } : {}) };
  }

  async #tell({ document, version }: Found, report: Report): Promise<void> {
    const { store, meter, clock, log } = this.#options;
    const next = nextRecord(document, report, clock.wall());
    meter.told(next);
    if (next === document) return;
    await store.commit({ changes: [put(syncKey(this.#name), next, version)] });
    if (next.pass !== document.pass) tellPass(next.pass, log);
    if (next.drift !== document.drift) log.warn("changed by hand", { ...next.drift });
  }
}

function reportOf({ outcome, errors, tree, deployments, drifted }: Decision, heals: boolean): Report {
  return {
    outcome,
    errors,
    ...(tree === undefined ? {} : { applied: { tree, deployments } }),
    ...(drifted.length > 0 ? { drift: { corrected: heals, deployments: drifted } } : {}),
  };
}

/** What was read from where, and why it may not be the latest. */
function withSource(report: Report, commit: SourceCommit | undefined, trouble: string | undefined): Report {
  const { applied, errors } = report;
  return {
    ...report,
    ...(applied && commit ? { applied: { ...applied, commit } } : {}),
    ...(trouble === undefined ? {} : { outcome: "away", errors: [trouble, ...errors] }),
  };
}

function isSameLook(a: NonNullable<Read & { position: number }>, b: Read & { position: number }): boolean {
  return a.tree === b.tree && a.trouble === b.trouble && a.position === b.position;
}

function tellPass(pass: SyncDocument["pass"], log: Log): void {
  if (!pass) return;
  const { outcome, errors, more } = pass;
  const fields = { ...(errors.length > 0 ? { errors } : {}), ...(more === undefined ? {} : { more }) };
  if (outcome === "synced" || outcome === "paused" || outcome === "waiting") log.info(`sync is ${outcome}`, fields);
  else log.warn(`sync is ${outcome}`, fields);
}
