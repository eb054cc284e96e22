// How a source is to be followed: the flags of `sync`, which `up --sync` has too, and what they say.
import { Flags } from "@oclif/core";
import { parseDuration } from "../../model/duration.ts";
import { OrchestraError } from "../../model/errors.ts";
import type { FollowOptions } from "../../roles.ts";
import { addressOf } from "../../sync/metrics.ts";
import type { Target } from "../../sync/target.ts";
import { type LimitFlags, limitFlags } from "../change/change-flags.ts";
import { limitsOf } from "../change/guarded.ts";
import type { Listen } from "../run/sync-health.ts";

export const followFlags = {
  adopt: Flags.boolean({ summary: "Take over Deployments of other sources." }),
  "allow-force-push": Flags.boolean({ summary: "Follow a branch that was pushed by force without asking first." }),
  ...limitFlags,
  interval: Flags.string({ summary: "How often a Git remote is asked. Default: 30s.", helpValue: "DURATION" }),
  partial: Flags.boolean({ summary: "Apply the valid files although others are wrong." }),
  "self-heal": Flags.boolean({
    summary: "Take back what was changed by hand; else it is only reported.",
    default: true,
    allowNo: true,
  }),
};

export const listenFlag = Flags.string({
  summary: "Where /healthz, /readyz and /metrics (Prometheus) are told. Default: 127.0.0.1:5380, or a free port.",
  helpValue: "HOST:PORT",
});

const defaultAddress = "127.0.0.1:5380";

/** What is followed, and how. */
export interface Following
  extends Pick<FollowOptions, "target" | "intervalMs" | "partial" | "heals" | "adopt" | "limits" | "allowForcePush"> {
  readonly listen: Listen;
}

const defaultIntervalMs = 30_000;
/** A remote that is asked without a pause has no time for anybody else. */
const shortestIntervalMs = 1_000;

interface FollowFlags extends LimitFlags {
  readonly adopt: boolean;
  readonly "allow-force-push": boolean;
  readonly interval?: string | undefined;
  readonly partial: boolean;
  readonly "self-heal": boolean;
}

/** `listen`: its flag, and what that says. Throws `invalid` for what a flag cannot say. */
export function followingOf(
  target: Target,
  flags: FollowFlags,
  listen: { readonly flag: string; readonly text: string | undefined },
): Following {
  const { adopt, partial, "self-heal": heals, "allow-force-push": allowForcePush } = flags;
  if (target.kind === "directory") refuseOfBranch(flags);
  const address = addressOf(listen.text ?? defaultAddress, listen.flag);
  return {
    target,
    intervalMs: intervalOf(flags.interval),
    adopt,
    partial,
    heals,
    allowForcePush,
    limits: limitsOf(flags),
    listen: { address, anyPort: listen.text === undefined },
  };
}

/** What is passed over in silence would be believed to count. */
function refuseOfBranch({ interval, "allow-force-push": allowForcePush }: FollowFlags): void {
  const name = interval !== undefined ? "--interval" : allowForcePush ? "--allow-force-push" : undefined;
  if (name === undefined) return;
  throw new OrchestraError("invalid", `${name} is for a Git branch, and a folder is followed`, {
    hint: "leave it out: a folder is watched, and looked at once a minute besides",
  });
}

function intervalOf(text: string | undefined): number {
  if (text === undefined) return defaultIntervalMs;
  const intervalMs = parseDuration(text, "--interval");
  if (intervalMs >= shortestIntervalMs) return intervalMs;
  const hint = "write 1s or more; orchestra sync trigger asks at once";
  throw new OrchestraError("invalid", `--interval: ${text} is too short`, { hint });
}
