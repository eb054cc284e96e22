// What doctor finds: one line for each thing that orchestra needs, with how to mend it. Pure.
import type { Column, Tone } from "../print.ts";

/** `warn`: it works, but something is missing or will soon be. `fail`: orchestra cannot do its work like this. */
export type CheckState = "ok" | "warn" | "fail";

export interface Check {
  readonly name: string;
  readonly state: CheckState;
  readonly message: string;
  /** Always there unless all is well. */
  readonly mend?: string;
}

/** `doctor -o json`. */
export interface DoctorDocument {
  readonly apiVersion: "orchestra/v1";
  readonly kind: "Examination";
  readonly checks: readonly Check[];
}

export const ok = (name: string, message: string): Check => ({ name, state: "ok", message });
export const warn = (name: string, message: string, mend: string): Check => ({ name, state: "warn", message, mend });
export const fail = (name: string, message: string, mend: string): Check => ({ name, state: "fail", message, mend });

const tones: Readonly<Record<CheckState, Tone>> = Object.freeze({ ok: "good", warn: "busy", fail: "bad" });

export const checkColumns: readonly Column<Check>[] = [
  { header: "", cell: ({ state }) => ({ text: state, tone: tones[state] }) },
  { header: "CHECK", cell: ({ name }) => name },
  { header: "FOUND", cell: ({ message }) => message },
];

/** The last line: how it looks on the whole. */
export function verdictOn(checks: readonly Check[]): string {
  const count = (state: CheckState) => checks.filter((check) => check.state === state).length;
  if (count("fail") > 0) return `${count("fail")} of ${checks.length} checks failed.`;
  if (count("warn") > 0) return `Everything works; ${count("warn")} of ${checks.length} checks have a remark.`;
  return "Everything is fine.";
}
