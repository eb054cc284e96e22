// The figures of a sync as Prometheus reads them, and where they are told. Pure.
import { OrchestraError } from "../model/errors.ts";
import type { SyncOutcome } from "../model/sync.ts";
import type { Reading } from "./meter.ts";

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
  const { source, part, shown, passes, failures, passMs, applied, pruned } = reading;
  const leads = part === "leads";
  // Who stands by tells nothing of another's work: its figures would be counted twice.
  const document = leads ? shown?.document : undefined;
  const pass = document?.pass;
  const metric = (name: string, kind: "gauge" | "counter", help: string, samples: readonly Sample[]) => [
    `# HELP orchestra_sync_${name} ${help}`,
    `# TYPE orchestra_sync_${name} ${kind}`,
    ...samples.map(([value, labels]) => `orchestra_sync_${name}${labelsText({ source, ...labels })} ${value}`),
  ];
  const states = Object.keys(outcomes).map((outcome): Sample => [Number(pass?.outcome === outcome), { outcome }]);
  const errors = (pass?.errors.length ?? 0) + (pass?.more ?? 0);
  const lines = [
    metric("leading", "gauge", "1 while this process follows the source, 0 while it stands by.", [[Number(leads)]]),
    metric("store_connected", "gauge", "1 while the store answers.", [[Number(shown?.fresh === true)]]),
    metric("outcome", "gauge", "1 for how the last pass ended.", states),
    metric("errors", "gauge", "What keeps the source from being applied.", [[errors]]),
    metric("deployments", "gauge", "Deployments that the source holds.", [[document?.applied?.deployments ?? 0]]),
    metric("passes_total", "counter", "Looks at the source and the store.", [[passes]]),
    metric("failed_passes_total", "counter", "Looks that failed: the store did not answer, or refused.", [[failures]]),
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
export function addressOf(text: string, flag: string): Address {
  const [, six, host = six, digits] = /^(?:\[([0-9a-f:.]+)\]|([^\s:[\]]+)):(\d{1,5})$/i.exec(text) ?? [];
  const port = Number(digits);
  if (host !== undefined && port <= 65_535) return { host, port };
  throw new OrchestraError("invalid", `${flag}: "${text}" is no address with a port`, {
    hint: "write it as 127.0.0.1:5380 or [::1]:5380; port 0 takes a free one",
  });
}
