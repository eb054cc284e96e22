// How things look: columns, colours, ages, masked values, JSON and YAML. Pure but for `openProgress`, which draws while a command waits.
import type { WriteStream } from "node:tty";
import type { PodTemplate, Probe } from "../model/template.ts";
import { width } from "./width.ts";

/** How a cell is meant; on a terminal it becomes a colour, elsewhere nothing. */
export type Tone = "good" | "bad" | "busy" | "dim";
export type Cell = string | { readonly text: string; readonly tone: Tone };

export interface Column<Row> {
  readonly header: string;
  readonly cell: (row: Row) => Cell;
  /** Only with `-o wide`. */
  readonly wide?: true;
}

export interface TableOptions {
  readonly wide?: boolean;
  readonly header?: boolean;
  readonly colour: boolean;
}

/** ECMA-48 codes: green, red, yellow, grey. */
const colours = { good: 32, bad: 31, busy: 33, dim: 90 } as const;
const defaultColour = 39;
/** Between columns, as kubectl has it. */
const gap = "   ";

/** Whether a stream wants colour: a terminal that has some, and neither NO_COLOR nor TERM=dumb speaks against it. */
export function wantsColour(stream: Pick<WriteStream, "isTTY"> & Partial<Pick<WriteStream, "hasColors">>): boolean {
  return stream.isTTY === true && stream.hasColors?.() === true;
}

export function paint(text: string, tone: Tone, colour: boolean): string {
  return colour ? `\x1b[${colours[tone]}m${text}\x1b[${defaultColour}m` : text;
}

/** Rows as lines under a header; every column as wide as its widest cell. */
export function table<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { wide = false, header = true, colour }: TableOptions,
): string {
  const shown = columns.filter((column) => wide || !column.wide);
  const lines: Cell[][] = rows.map((row) => shown.map((column) => orDash(column.cell(row))));
  if (header) lines.unshift(shown.map((column) => column.header));
  const widths = shown.map((_, index) => Math.max(...lines.map((line) => width(textOf(line[index] ?? "")))));
  return lines.map((line) => layOut(line, widths, colour)).join("\n");
}

function layOut(line: readonly Cell[], widths: readonly number[], colour: boolean): string {
  const cells = line.map((cell, index) => {
    const text = textOf(cell);
    const padding = index === line.length - 1 ? "" : " ".repeat((widths[index] ?? 0) - width(text));
    return (typeof cell === "string" ? text : paint(text, cell.tone, colour)) + padding;
  });
  return cells.join(gap).trimEnd();
}

function textOf(cell: Cell): string {
  return oneLine(typeof cell === "string" ? cell : cell.text);
}

/** An empty cell would let a program that splits at spaces count the columns wrongly. */
function orDash(cell: Cell): Cell {
  return cell === "" || (typeof cell !== "string" && cell.text === "") ? "-" : cell;
}

/** Text from a container or an engine must not move the cursor or break the line. */
export function oneLine(text: string): string {
  return printable(text.replace(/\s*[\r\n]+\s*/g, " "));
}

/** Without the control characters that a terminal would act on, and those that turn text around: a reader would read something else than is there. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, "�");
}

/** A duration as people say it: `45s`, `3m`, `5h`, `12d`. Never negative: two machines' clocks may differ a little. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 120) return `${seconds}s`;
  if (seconds < 2 * 3600) return `${Math.floor(seconds / 60)}m`;
  if (seconds < 2 * 86_400) return `${Math.floor(seconds / 3600)}h`;
  return `${Math.floor(seconds / 86_400)}d`;
}

/** How long ago an ISO 8601 time was; "-" for none. */
export function age(since: string | undefined, nowMs: number): string {
  return since === undefined ? "-" : duration(nowMs - Date.parse(since));
}

export const mask = "***";

/** The template with what may be secret masked unless it is asked for: values of the environment and of a probe's headers, as in a diff. */
export function maskTemplate(template: PodTemplate, showValues: boolean): PodTemplate {
  if (showValues) return template;
  const { env, readiness, liveness } = template;
  return {
    ...template,
    ...(env ? { env: maskValues(env) } : {}),
    ...(readiness ? { readiness: maskProbe(readiness) } : {}),
    ...(liveness ? { liveness: maskProbe(liveness) } : {}),
  };
}

function maskProbe(probe: Probe): Probe {
  const { http } = probe;
  return http?.headers ? { ...probe, http: { ...http, headers: maskValues(http.headers) } } : probe;
}

function maskValues(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.keys(values).map((name) => [name, mask]));
}

export function json(value: unknown): string {
  return JSON.stringify(value, undefined, 2);
}

/** The same data as JSON would print, as YAML. Loads its package only when it is used. */
export async function yaml(value: unknown): Promise<string> {
  // The package is in the older module format: in the bundle, its default is all that an import on demand has.
  const { default: yamlPackage } = await import("yaml");
  return yamlPackage.stringify(value, { lineWidth: 0, aliasDuplicateObjects: false }).trimEnd();
}
