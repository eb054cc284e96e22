// What an apply that prunes may not do before a person has looked: shown by diff, asked about by apply.
import { knownState } from "../../apply/commit.ts";
import { observationOf } from "../../apply/follow.ts";
import { defaultLimits, type Guard, type Held, heldBecause, type Limits, limitOf } from "../../apply/guards.ts";
import { changesAnything } from "../../apply/plan.ts";
import { OrchestraError } from "../../model/errors.ts";
import { isFollowed } from "../../model/source.ts";
import type { LimitFlags } from "./change-flags.ts";
import type { Look } from "./change-look.ts";
import { type Answer, confirm } from "./confirm.ts";

/** The flag that allows more; what has none needs a yes. */
const flagsOf: Readonly<Partial<Record<Guard, keyof LimitFlags>>> = Object.freeze({
  deletions: "max-delete",
  removals: "max-delete",
  replacements: "max-replace",
  affected: "max-affected",
});

/** The limits as they were given. Throws `invalid` for what is no limit. */
export function limitsOf(flags: LimitFlags): Limits {
  const given = (name: keyof LimitFlags) => {
    const text = flags[name];
    return text === undefined ? undefined : limitOf(text, `--${name}`);
  };
  return {
    deletions: given("max-delete") ?? defaultLimits.deletions,
    replacements: given("max-replace") ?? defaultLimits.replacements,
    affected: given("max-affected") ?? defaultLimits.affected,
  };
}

/** The guards that what was looked at runs into. */
export function heldOf({ plan, forecasts, snapshot }: Look, source: string, limits: Limits): Held[] {
  if (!snapshot || !changesAnything(plan)) return [];
  const { pods } = observationOf(snapshot).state;
  return heldBecause({ state: knownState(snapshot), plan, forecasts: forecasts.deployments, pods, source, limits });
}

/** What diff says of it. `token`: the plan's. */
export function heldText(held: readonly Held[], source: string, token: string): string {
  const who = isFollowed(source)
    ? `its sync, unless it was given other limits, holds all of it until orchestra sync approve ${token}`
    : "apply asks first (elsewhere than on a terminal it needs --yes)";
  return [`More than usual, so ${who}:`, ...linesOf(held)].join("\n");
}

export interface GuardOptions {
  /** Whose Deployments are guarded. */
  readonly source: string;
  readonly limits: Limits;
  /** Nobody is asked. */
  readonly yes: boolean;
  readonly output: string;
  /** What is carried out was kept before, with its limits: they are not to be given once more. */
  readonly isKept: boolean;
}

/**
 * What asks before more than usual is done to what `source` has. It asks on a terminal, and throws a `conflict` that says how it may pass
 * where nobody can be asked.
 */
export function guardOf({ source, limits, yes, output, isKept }: GuardOptions): (look: Look) => Promise<Answer> {
  return async (look) => {
    const held = heldOf(look, source, limits);
    if (held.length === 0) return "yes";
    if (yes) {
      process.stderr.write(`Note: more than usual, and not asked about: ${messagesOf(held)}.\n`);
      return "yes";
    }
    if (output === "json" || !process.stdin.isTTY || !process.stdout.isTTY) throw refusal(held, isKept);
    process.stdout.write(`${["This is more than usual:", ...linesOf(held)].join("\n")}\n`);
    return confirm("Do it all the same?", "this");
  };
}

function refusal(held: readonly Held[], isKept: boolean): OrchestraError {
  const flags = [...new Set(held.flatMap(({ guard }) => flagsOf[guard] ?? []))].map((flag) => `--${flag}`);
  const more = flags.length > 0 ? `; ${flags.join(" and ")} ${flags.length === 1 ? "allows" : "allow"} more` : "";
  return new OrchestraError(
    "conflict",
    `held, because it is more than usual: ${messagesOf(held)}. Nothing was written`,
    {
      hint: isKept ? "--yes lets it pass" : `orchestra diff --prune shows it all, and --yes lets it pass${more}`,
      details: { held },
    },
  );
}

function messagesOf(held: readonly Held[]): string {
  return held.map(({ message }) => message).join("; ");
}

function linesOf(held: readonly Held[]): string[] {
  return held.map(({ message }) => `  ${message}`);
}
