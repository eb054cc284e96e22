// What a sync answers to those who watch over it: whether it lives, whether it does its work, and its figures as Prometheus reads them. Pure.
import { OrchestraError } from "../model/errors.ts";
import type { SyncOutcome } from "../model/sync.ts";
import type { Reading } from "./meter.ts";

/** An answer in words, and whether it is a good one. */
export interface Health {
  readonly good: boolean;
  readonly text: string;
}

/** A pass that takes longer than this hangs: fetching a large repository may take half of it. */
const hangsMs = 600_000;

/** Whether the process should be left alone. */
export function healthOf({ leads, lastAt }: Reading, now: number): Health {
  const silentMs = lastAt === undefined ? 0 : now - lastAt;
  if (leads && silentMs > hangsMs)
    return { good: false, text: `no pass has ended for ${Math.round(silentMs / 1000)} s` };
  return { good: true, text: "alive" };
}

/** Whether it does its work: it leads and has looked at its source, or stands by for one that does. */
export function readinessOf({ leads, fails, lastAt, document }: Reading): Health {
  if (!leads) return { good: true, text: "stands by: another sync follows this source" };
  if (fails) return { good: false, text: "the last pass failed; the log tells why" };
  if (lastAt === undefined || !document?.pass) return { good: false, text: "has not looked at its source yet" };
  const { outcome, errors } = document.pass;
  const good = outcome !== "away" && outcome !== "failed";
  return { good, text: errors[0] === undefined ? outcome : `${outcome}: ${errors[0]}` };
}

const outcomes: Readonly<Record<SyncOutcome, true>> = {
  synced: true,
  waiting: true,
  held: true,
  refused: true,
  partial: true,
  away: true,
  failed: true,
  paused: true,
  drifted: true,
};

type Sample = readonly [value: number, labels?: Readonly<Record<string, string>>];

/** The text format of Prometheus, version 0.0.4. */
export function metricsText(reading: Reading): string {
  const { source, leads, passes, failures, passMs, applied, pruned, document } = reading;
  const pass = document?.pass;
  const metric = (name: string, kind: "gauge" | "counter", help: string, samples: readonly Sample[]) => [
    `# HELP orchestra_sync_${name} ${help}`,
    `# TYPE orchestra_sync_${name} ${kind}`,
    ...samples.map(([value, labels]) => `orchestra_sync_${name}${labelsText({ source, ...labels })} ${value}`),
  ];
  const states = Object.keys(outcomes).map(
    (outcome): Sample => [Number(leads && pass?.outcome === outcome), { outcome }],
  );
  const errors = (pass?.errors.length ?? 0) + (pass?.more ?? 0);
  const lines = [
    metric("leading", "gauge", "1 while this process follows the source, 0 while it stands by.", [[Number(leads)]]),
    metric("outcome", "gauge", "1 for how the last pass ended.", states),
    metric("errors", "gauge", "What keeps the source from being applied.", [[errors]]),
    metric("deployments", "gauge", "Deployments that the source holds.", [[document?.applied?.deployments ?? 0]]),
    metric("passes_total", "counter", "Looks at the source and the store.", [[passes]]),
    metric("failed_passes_total", "counter", "Looks that ended with an error.", [[failures]]),
    metric("pass_seconds_total", "counter", "Time spent in passes.", [[passMs / 1000]]),
    metric("written_total", "counter", "Deployments written.", [
      [applied, { action: "apply" }],
      [pruned, { action: "prune" }],
    ]),
  ];
  return `${lines.flat().join("\n")}\n`;
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  const escaped = (text: string) => text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return `{${pairs.join(",")}}`;
}

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `127.0.0.1:5380`, `[::1]:5380`. Throws `invalid`. */
export function addressOf(text: string): Address {
  const [, six, host = six, digits] = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/i.exec(text) ?? [];
  const port = Number(digits);
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new OrchestraError("invalid", `--listen: "${text}" is no address with a port`, {
    hint: "write it as 127.0.0.1:5380 or [::1]:5380; port 0 takes a free one",
  });
}
