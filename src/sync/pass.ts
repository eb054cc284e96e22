// One pass of a sync: a look at the source and at the store, and a commit of what differs. Reads what its view and its source show;
// writes Deployments and revisions through the plan, and what there is to tell into `syncs/<source>`.
import { randomBytes } from "node:crypto";
import { commitPlan, knownState } from "../apply/commit.ts";
import type { Author } from "../apply/document.ts";
import { changesAnything } from "../apply/plan.ts";
import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { PassResult } from "../loop.ts";
import { OrchestraError } from "../model/errors.ts";
import { clusterKey, syncControlKey, syncKey } from "../model/keys.ts";
import type { SourceCommit } from "../model/source.ts";
import type { Followed, SyncDocument } from "../model/sync.ts";
import type { Leadership, Snapshot, Store, View } from "../store/store.ts";
import { type Decision, decide } from "./decide.ts";
import { isOwn, nextRecord, type Report } from "./record.ts";
import { type Look, type Source, sourceName } from "./source.ts";

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
  readonly clock: Clock;
  readonly log: Log;
}

/** What is being changed for longer than this is told as a trouble. */
const busyToldMs = 5_000;
/** A leader whose own word is not in the store for so long asks again whether it leads. */
const strangeMs = 5_000;

type Read = Extract<Look, { state: "read" }>;

interface Led {
  readonly leadership: Leadership;
  readonly view: View;
  readonly source: Source;
  readonly own: SyncDocument["lead"];
  readonly doubt: AbortController;
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
  #busySince: number | undefined;
  #strangeSince: number | undefined;
  /** What the last pass that had nothing left to do looked at. */
  #calm: (Read & { readonly position: number }) | undefined;

  constructor(options: PassOptions, led: Led) {
    this.#options = options;
    this.#led = led;
    this.#name = sourceName(options.follows);
  }

  /** One look at the source and the store, at most one commit of Deployments, and one of what there is to tell. */
  async run(signal: AbortSignal): Promise<PassResult> {
    const { leadership, view, source } = this.#led;
    const found = this.#find(view.snapshot());
    if (!found || leadership.signal.aborted) return { againInMs: strangeMs };
    const control = found.snapshot.get(syncControlKey(this.#name))?.value;
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
    await this.#apply(now, look);
    this.#calm = seen;
    return again;
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

  async #apply(found: Found, { tree, commit, trouble }: Read): Promise<void> {
    const { store, partial, heals, clock, log } = this.#options;
    const author = this.#author(commit);
    const begun = clock.now();
    const state = knownState(found.snapshot);
    const decision = decide({ tree, state, applied: found.document.applied, author, partial, heals });
    const { plan } = decision;
    const checks = [{ key: syncKey(this.#name), version: found.version }];
    const written = await commitPlan(store, plan(state), plan, checks);
    if (changesAnything(written)) {
      const names = written.items.filter(({ after }) => after).map(({ name }) => name);
      const ms = Math.round(clock.now() - begun);
      log.info("sync applied", { count: names.length, deployments: names.slice(0, 20), ms });
    }
    await this.#tell(found, withSource(reportOf(decision, heals), commit, trouble));
  }

  #author(commit: SourceCommit | undefined): Author {
    const { host, adopt, clock } = this.#options;
    const who = { by: `sync on ${host}`, at: clock.wall(), source: this.#name };
    const newUid = () => randomBytes(8).toString("hex");
    return { ...who, newUid, ...(commit ? { commit } : {}), ...(adopt ? { adopt } : {}) };
  }

  async #tell({ document, version }: Found, report: Report): Promise<void> {
    const { store, clock, log } = this.#options;
    const next = nextRecord(document, report, clock.wall());
    if (next === document) return;
    await store.commit({ changes: [{ do: "put", key: syncKey(this.#name), value: next, version }] });
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
  if (outcome === "synced" || outcome === "paused") log.info(`sync is ${outcome}`, fields);
  else log.warn(`sync is ${outcome}`, fields);
}
