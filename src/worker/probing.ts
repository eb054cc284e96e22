// What a probe's answers add up to, and when to ask again. Pure. Times are monotonic milliseconds.
import type { ResolvedProbe } from "../model/template.ts";

export interface ProbeMemory {
  readonly ok: boolean;
  /** Answers of the same kind in a row. */
  readonly successes: number;
  readonly failures: number;
  /** Asked so often in this run. */
  readonly asked: number;
  /** When to ask next. */
  readonly nextAt: number;
  /** What was wrong last. */
  readonly message?: string;
}

/** While a pod is not yet ready it is asked after 50, 100, 200 … ms, so that a fast one is ready fast. */
const rampFirstMs = 50;

export function freshProbe(now: number, ok: boolean): ProbeMemory {
  return { ok, successes: 0, failures: 0, asked: 0, nextAt: now };
}

/** A probe that is content may come later by a tenth of its period, and by a second at most: so those of many pods are asked in one pass. */
const slackShare = 0.1;
const slackMaxMs = 1_000;

/** When a probe is due: never before its initial delay. */
export function probeDueAt(memory: ProbeMemory, probe: ResolvedProbe, since: number): number {
  return Math.max(memory.nextAt, since + probe.initialDelayMs);
}

/** The memory after one more answer. `eager`: somebody waits for the first success, so ask again soon. */
export function probeAnswered(
  memory: ProbeMemory,
  probe: ResolvedProbe,
  answer: { readonly ok: boolean; readonly message: string },
  now: number,
  eager: boolean,
): ProbeMemory {
  const successes = answer.ok ? memory.successes + 1 : 0;
  const failures = answer.ok ? 0 : memory.failures + 1;
  const ok = memory.ok ? failures < probe.failureThreshold : successes >= probe.successThreshold;
  const isWaited = eager && !ok;
  const waitMs = isWaited ? Math.min(rampFirstMs * 2 ** Math.min(memory.asked, 20), probe.periodMs) : probe.periodMs;
  const isContent = ok && answer.ok;
  return {
    ok,
    successes,
    failures,
    asked: memory.asked + 1,
    nextAt: isContent ? gathered(now + waitMs, probe.periodMs) : now + waitMs,
    ...(answer.ok ? {} : { message: answer.message }),
  };
}

/** The next common moment of probes with this period. */
function gathered(at: number, periodMs: number): number {
  const slackMs = Math.min(periodMs * slackShare, slackMaxMs);
  return Math.ceil(at / slackMs) * slackMs;
}
