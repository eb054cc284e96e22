// docs/commands.md: every command as its class describes it, and the JSON that programs may rely on, from the types that make it.
import { readdirSync, readFileSync } from "node:fs";
import type { Command, Interfaces } from "@oclif/core";
import { BaseCommand } from "../src/cli/base.ts";
import { exitCodes } from "../src/cli/failure.ts";

const root = new URL("../", import.meta.url);

/** Which types make the output of which commands with `-o json`, in the order of the page. */
const shapes: readonly {
  readonly title: string;
  readonly types: readonly (readonly [file: string, name: string])[];
}[] = [
  { title: "Errors of every command", types: [["failure", "FailureDocument"]] },
  {
    title: "get",
    types: [
      ["show/listing", "ListDocument"],
      ["show/rows", "DeploymentRow"],
      ["show/rows", "DeploymentState"],
      ["show/rows", "PodRow"],
      ["show/node-rows", "NodeRow"],
      ["show/node-rows", "Stale"],
      ["sync/sync-problems", "SyncTrouble"],
      ["show/listing", "RowChange"],
    ],
  },
  {
    title: "describe",
    types: [
      ["show/describe", "DeploymentDescription"],
      ["show/describe", "PodDescription"],
      ["show/describe", "NodeDescription"],
      ["show/failures", "FailureView"],
    ],
  },
  {
    title: "why",
    types: [
      ["show/why", "WhyDocument"],
      ["show/why", "Because"],
      ["show/why", "WhyTopic"],
    ],
  },
  {
    title: "diff",
    types: [
      ["change/plan-document", "PlanDocument"],
      ["change/plan-document", "PlanEntry"],
      ["change/plan-document", "OverrideEntry"],
      ["../apply/plan", "PlanAction"],
      ["../apply/guards", "Held"],
      ["../apply/guards", "Guard"],
      ["../apply/fields", "FieldChange"],
      ["../apply/fields", "FieldValue"],
      ["../apply/forecast", "Forecast"],
      ["../apply/forecast", "UnplacedForecast"],
      ["../apply/forecast", "ReadyForecast"],
      ["../apply/downtime", "Downtime"],
      ["../apply/free-room", "NodeForecast"],
      ["../apply/free-room", "FreeRoom"],
    ],
  },
  {
    title: "diff --live",
    types: [
      ["change/drift-text", "DriftDocument"],
      ["../apply/drift", "Drift"],
      ["../apply/drift", "DriftKind"],
    ],
  },
  { title: "apply, deploy, scale and delete", types: [["change/change", "ChangeDocument"]] },
  {
    title: "status",
    types: [
      ["show/status", "StatusDocument"],
      ["show/status", "Problem"],
    ],
  },
  {
    title: "sync status",
    types: [
      ["sync/sync-text", "SyncStatusDocument"],
      ["../model/sync", "SyncDocument"],
      ["../model/sync", "Followed"],
      ["../model/sync", "SyncOutcome"],
      ["../model/sync", "HeldPass"],
      ["../model/sync", "Renamed"],
      ["../model/sync", "LetThrough"],
      ["../model/sync", "Drifted"],
    ],
  },
  { title: "store import", types: [["store/import-text", "ImportDocument"]] },
  {
    title: "doctor",
    types: [
      ["doctor/checks", "DoctorDocument"],
      ["doctor/checks", "Check"],
      ["doctor/checks", "CheckState"],
    ],
  },
  {
    title: "What several of them hold",
    types: [
      ["../model/deployment", "Override"],
      ["../model/source", "SourceCommit"],
      ["../model/errors", "ErrorCode"],
      ["../model/deployment", "Act"],
      ["../model/pod", "Reason"],
      ["../model/pod", "ReasonCode"],
      ["../model/phase", "Phase"],
      ["../model/node", "Hold"],
      ["../model/pod", "Rollout"],
      ["../model/template", "Resources"],
    ],
  },
];

/** The whole page. `banner` says where it comes from. */
export async function commandsPage(banner: string): Promise<string> {
  const commands = await loadCommands();
  return `<!-- ${banner} -->
# Commands

| command | |
|---|---|
${commands.map(([id, { summary }]) => `| [\`${id}\`](#${anchorOf(id)}) | ${summary ?? ""} |`).join("\n")}

Every command takes:

${flagList(BaseCommand.baseFlags)}

\`deployment/web\`, \`pod/web-0\` and \`node/n1\` name one thing. A bare name is enough where only one thing has it,
and a pod's id (\`get pods -o wide\` lists it) always is. A pod's name means its newest incarnation; for \`exec\` the newest that is ready.

## Exit codes

0 when all went well, otherwise by the kind of the error:

| kind | exit code |
|---|---|
${Object.entries(exitCodes)
  .map(([code, exit]) => `| ${code} | ${exit} |`)
  .join("\n")}

\`diff\`, \`apply\` and the commands that wait as it does have more, named below. \`exec\` exits with the code of its command.

${commands.map(([id, command]) => commandSection(id, command)).join("\n")}
## JSON

With \`-o json\` standard output holds JSON and nothing else, for errors too; \`-o yaml\` says the same as YAML.
These shapes are stable: fields may be added, none changes its meaning or goes. What a manifest holds (template, strategy,
placement) has the shape that [manifests](manifest.md) have; times are ISO 8601.

${shapes.map(({ title, types }) => shapeSection(title, types)).join("\n")}`;
}

async function loadCommands(): Promise<[id: string, command: typeof Command][]> {
  const names = readdirSync(new URL("src/cli/commands", root), { recursive: true, encoding: "utf8" });
  const files = names.filter((file) => file.endsWith(".ts"));
  const loaded = files.sort().map(async (file): Promise<[string, typeof Command]> => {
    const { default: command } = (await import(`../src/cli/commands/${file}`)) as { default: typeof Command };
    return [file.slice(0, -".ts".length).replaceAll("/", " "), command];
  });
  return Promise.all(loaded);
}

/** Where the command's section is, as GitHub and other readers of Markdown name it. */
function anchorOf(id: string): string {
  return id.replaceAll(" ", "-");
}

function commandSection(id: string, command: typeof Command): string {
  const args = Object.entries(command.args);
  const parts = [`## ${id}`, `${command.summary ?? ""}`, ...(command.description ? [command.description] : [])];
  parts.push(block("sh", usageOf(id, command)));
  if (args.length > 0)
    parts.push(args.map(([name, arg]) => `- \`${argumentOf(name, arg)}\`: ${arg.description ?? ""}`).join("\n"));
  const flags = flagList(command.flags ?? {});
  if (flags !== "") parts.push(flags);
  const examples = (command.examples ?? []).map((example) => (typeof example === "string" ? example : example.command));
  if (examples.length > 0) parts.push(`Examples:\n\n${block("sh", examples.map(inShell).join("\n"))}`);
  return `${parts.join("\n\n")}\n`;
}

function usageOf(id: string, { usage, args, flags }: typeof Command): string {
  if (typeof usage === "string") return `orchestra ${usage}`;
  const words = Object.entries(args).map(([name, arg]) =>
    arg.required ? argumentOf(name, arg) : `[${argumentOf(name, arg)}]`,
  );
  const needed = Object.entries(flags ?? {}).filter(([, flag]) => flag.required);
  const options = needed.map(([name, flag]) => `--${name} ${placeholder(name, flag)}`);
  const hasMore = Object.keys(flags ?? {}).length > needed.length;
  return ["orchestra", id, ...words, ...options, ...(hasMore ? ["[flags]"] : [])].join(" ");
}

function argumentOf(name: string, arg: Interfaces.Arg<unknown>): string {
  return `${name.toUpperCase()}${"multiple" in arg && arg.multiple === true ? "..." : ""}`;
}

type Flag = Interfaces.FlagInput[string];

function flagList(flags: Interfaces.FlagInput): string {
  return Object.entries(flags)
    .map(([name, flag]) => {
      const short = flag.char === undefined ? "" : `-${flag.char}, `;
      const long = flag.type === "boolean" && flag.allowNo ? `--[no-]${name}` : `--${name}`;
      const value = flag.type === "option" ? ` ${placeholder(name, flag)}` : "";
      return `- \`${short}${long}${value}\`: ${[flag.summary, flag.description].filter(Boolean).join(" ")}`;
    })
    .join("\n");
}

function placeholder(name: string, flag: Flag): string {
  if (flag.type !== "option") return "";
  return flag.options?.join("|") ?? String(flag.helpValue ?? name.toUpperCase());
}

function inShell(example: string): string {
  return example.replaceAll("<%= config.bin %>", "orchestra");
}

function shapeSection(title: string, types: readonly (readonly [string, string])[]): string {
  return `### ${title}\n\n${block("ts", types.map(([file, name]) => declaration(file, name)).join("\n\n"))}\n`;
}

/** The text of a type with its comment, as the source has it. Throws when it is no longer there. */
function declaration(file: string, name: string): string {
  const source = readFileSync(new URL(`src/cli/${file}.ts`, root), "utf8");
  const pattern = new RegExp(
    `((?:/\\*\\*(?:(?!\\*/)[^])*\\*/\\n)?)(?:export )?((?:interface ${name}(?: extends [^{]*)? \\{[^]*?\\n\\})|(?:type ${name} =[^]*?;(?=\\n)))`,
  );
  const found = pattern.exec(source);
  if (!found) throw new Error(`src/cli/${file}.ts declares no ${name}`);
  const text = `${found[1]}${found[2]}`.replaceAll("readonly ", "");
  return text.replaceAll(/Readonly<(Record<[^>]*>|Partial<Record<[^>]*>>)>/g, "$1");
}

function block(language: string, text: string): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}
