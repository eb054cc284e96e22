// A plan as a comment on a pull request: a table, and a section to open for each Deployment. Pure.
// Free text (values, reasons, names of people) stands in fenced blocks alone, where it is neither markup nor a mention of anybody.
import type { Forecast } from "../../apply/forecast.ts";
import type { Plan, PlanItem } from "../../apply/plan.ts";
import { deploymentsText } from "../../model/deployment.ts";
import type { PlanFailure } from "./fail-on.ts";
import { cutAt, fenced, firstLines } from "./fenced.ts";
import { changeText, consequences, countsText, noticesOf, pruneNote } from "./plan-text.ts";

export interface PlanMarkdownOptions {
  readonly showValues: boolean;
  /** Of `--fail-on`. */
  readonly failures: readonly PlanFailure[];
  /** What else there is to say, at most two blocks of lines; "" says nothing. */
  readonly notes: readonly string[];
  readonly token: string;
}

/** GitHub takes 65,536 characters, and whoever posts the comment may put some of his own around it. */
const charactersLimit = 60_000;
/** For what follows the sections. */
const tailLimit = 14_000;
/** Rows of the table, and so some room for sections. */
const rowsLimit = 200;
/** Of each block after the sections. */
const blockLinesLimit = 12;
const linesLimit = 100;
const nameLimit = 63;

/** The comment, always below the limit; what was cut is counted in it. */
export function planMarkdown(
  plan: Plan,
  forecasts: ReadonlyMap<string, Forecast>,
  options: PlanMarkdownOptions,
): string {
  const changed = plan.items.filter(({ action }) => action !== "unchanged").sort(byWeight(forecasts));
  const head = [...headOf(plan, options), ...tableOf(changed, forecasts)].join("\n");
  const tail = tailOf(plan, options);
  const sections: string[] = [];
  const cut = { deployments: 0, lines: 0 };
  let room = charactersLimit - tailLimit - head.length;
  for (const item of changed) {
    const { text, cutLines } = sectionOf(item, forecasts.get(item.name), options);
    // Once one does not fit the smaller ones do not either: the order says what matters most.
    if (cut.deployments > 0 || text.length > room) {
      cut.deployments += 1;
      continue;
    }
    room -= text.length;
    sections.push(text);
    cut.lines += cutLines;
  }
  return [head, ...sections, ...cutText(cut), ...tail].join("\n");
}

function headOf(plan: Plan, { failures }: PlanMarkdownOptions): string[] {
  const counts = countsText(plan);
  const kinds = [...new Set(failures.map(({ on }) => `\`${on}\``))];
  return [
    `### ${counts === undefined ? "No differences" : `Plan: ${counts}`}`,
    "",
    ...(kinds.length > 0 ? [`:no_entry: **Fails on ${kinds.join(", ")}**`, ""] : []),
  ];
}

const columns = [
  "Deployment",
  "change",
  "created",
  "replaced",
  "moved",
  "stopped",
  "untouched",
  "no place",
  "downtime",
];

function tableOf(items: readonly PlanItem[], forecasts: ReadonlyMap<string, Forecast>): string[] {
  if (items.length === 0) return [];
  const rows = items.slice(0, rowsLimit).map(({ name, action }) => {
    const forecast = forecasts.get(name);
    const { created = [], replaced = [], moved = [], stopped = [], untouched = 0, unplaced = [] } = forecast ?? {};
    const counts = [created.length, replaced.length + (forecast?.more ?? 0), moved.length, stopped.length, untouched];
    const cells = [
      `\`${nameText(name)}\``,
      action,
      ...counts,
      bold(unplaced.length),
      forecast?.downtime ? "**yes**" : "no",
    ];
    return `| ${cells.join(" | ")} |`;
  });
  const more = items.length > rows.length ? [`| and ${items.length - rows.length} more |`] : [];
  return [`| ${columns.join(" | ")} |`, `|---|---|${"---:|".repeat(columns.length - 3)}---|`, ...rows, ...more, ""];
}

function sectionOf(
  item: PlanItem,
  forecast: Forecast | undefined,
  { showValues }: PlanMarkdownOptions,
): { readonly text: string; readonly cutLines: number } {
  const { name, action, changes, reason } = item;
  const note = pruneNote(item);
  // GitHub colours lines of a diff by their first character, and knows no "~".
  const fields = changes.map((change) => changeText(change, { showValues, colour: false }).replace(/^~/, "!"));
  const effects = [
    ...(note === "" ? [] : [note]),
    ...(forecast ? consequences(forecast) : []),
    ...(reason ? [`${reason.message}: ${reason.hint}`] : []),
  ];
  const shown = fields.slice(0, linesLimit);
  const told = effects.slice(0, linesLimit);
  const cutLines = fields.length - shown.length + effects.length - told.length;
  const count = action === "update" ? `, ${fields.length} ${fields.length === 1 ? "field" : "fields"}` : "";
  const summary = `<details><summary><code>${nameText(name)}</code>: ${action}${count}</summary>`;
  const blocks = [...fenced("diff", shown), ...fenced("text", told)];
  return { text: [summary, "", ...blocks, "</details>", ""].join("\n"), cutLines };
}

function cutText({ deployments, lines }: { readonly deployments: number; readonly lines: number }): string[] {
  const cut = [
    ...(deployments > 0 ? [`the sections of ${deploymentsText(deployments)}`] : []),
    ...(lines > 0 ? [`${lines} ${lines === 1 ? "line" : "lines"} of those above`] : []),
  ];
  return cut.length === 0 ? [] : [`**Cut**: ${cut.join(" and ")}. \`orchestra diff\` shows all.`, ""];
}

function tailOf(plan: Plan, { token, notes }: PlanMarkdownOptions): string[] {
  const blocks = [...notes.map((note) => note.split("\n")), noticesOf(plan)].flatMap((lines) => {
    const said = lines.filter((line) => line !== "");
    return fenced("text", firstLines(said, blockLinesLimit));
  });
  return [...blocks, `Token \`${token}\``];
}

/** Names of Deployments are DNS labels, unless somebody has written another one into the store by hand. */
function nameText(name: string): string {
  return cutAt(name.replaceAll(/[^A-Za-z0-9._-]/g, "?"), nameLimit);
}

/** What hurts comes first, so that it is cut last; then in the order of the plan. */
function byWeight(forecasts: ReadonlyMap<string, Forecast>): (a: PlanItem, b: PlanItem) => number {
  const weight = ({ name, action }: PlanItem): number => {
    const forecast = forecasts.get(name);
    if (action === "delete" || action === "blocked" || forecast?.downtime) return 0;
    if (forecast && forecast.unplaced.length > 0) return 1;
    return action === "update" ? 2 : 3;
  };
  return (a, b) => weight(a) - weight(b);
}

function bold(count: number): string {
  return count === 0 ? "0" : `**${count}**`;
}
