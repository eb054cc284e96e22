// What of a container can be changed while it runs (`docker update`): what is asked for when it is made, and what somebody has made of it since. Pure.
import type Docker from "dockerode";
import { formatCpu, formatMemory } from "../model/quantity.ts";
import type { ResolvedTemplate } from "../model/template.ts";
import type { ChangedSetting } from "./runtime.ts";

type Found = Pick<
  Docker.HostConfig,
  | "NanoCpus"
  | "CpuQuota"
  | "CpuPeriod"
  | "CpuShares"
  | "CpusetCpus"
  | "CpusetMems"
  | "BlkioWeight"
  | "Memory"
  | "MemorySwap"
  | "MemoryReservation"
  | "PidsLimit"
  | "RestartPolicy"
>;

/** What the engine's kernel lets it limit: it drops the other limits when it makes a container, with a warning. */
export interface Limits {
  readonly CpuCfsQuota: boolean;
  readonly MemoryLimit: boolean;
  readonly SwapLimit: boolean;
  readonly PidsLimit: boolean;
}

/** A part of `HostConfig` at a container's creation. */
export function settingsOf({ resources }: Pick<ResolvedTemplate, "resources">): Found {
  const { cpuMilli, memoryBytes, pids } = resources;
  return {
    // Restarts are ours: Docker's own would start a pod that should have left.
    RestartPolicy: { Name: "no" },
    ...(cpuMilli > 0 ? { NanoCpus: cpuMilli * nanoPerMilli } : {}),
    // The same value for both: a limit that swap can stretch is none.
    ...(memoryBytes > 0 ? { Memory: memoryBytes, MemorySwap: memoryBytes } : {}),
    ...(pids > 0 ? { PidsLimit: pids } : {}),
  };
}

const nanoPerMilli = 1_000_000;

/** Where a container is not as `settingsOf` had asked, in that order; empty: it is. */
export function changedSettings(asked: Found, found: Found, limits: Limits): ChangedSetting[] {
  return settings.flatMap((setting) => {
    if (setting.needs && !limits[setting.needs]) return [];
    const [should, is] = [setting.read(asked), setting.read(found)];
    if (should === is) return [];
    const restore = setting.restore?.(asked, found);
    return [{ what: setting.what, is, should, ...(restore ? { restore } : {}) }];
  });
}

interface Setting {
  readonly what: string;
  readonly needs?: keyof Limits;
  /** In words; what an engine writes in several ways in one. */
  readonly read: (config: Found) => string;
  /** Words of `docker update` that make it as it was asked for; undefined: there are none, because an update cannot take a limit away. */
  readonly restore?: (asked: Found, found: Found) => readonly string[] | undefined;
}

const none = "none";

const settings: readonly Setting[] = [
  {
    what: "cpu limit",
    needs: "CpuCfsQuota",
    read: ({ NanoCpus, CpuQuota = 0, CpuPeriod }) => {
      const nano = NanoCpus || (CpuQuota > 0 ? (CpuQuota / (CpuPeriod || usualPeriod)) * 1000 * nanoPerMilli : 0);
      return nano > 0 ? formatCpu(nano / nanoPerMilli) : none;
    },
    // An engine refuses the one where the other was set.
    restore: ({ NanoCpus = 0 }, { CpuQuota }) =>
      NanoCpus > 0 && !CpuQuota ? ["--cpus", String(NanoCpus / nanoPerMilli / 1000)] : undefined,
  },
  {
    what: "memory limit",
    needs: "MemoryLimit",
    read: ({ Memory = 0 }) => (Memory > 0 ? formatMemory(Memory) : none),
    restore: restoreMemory,
  },
  {
    what: "swap beside it",
    needs: "SwapLimit",
    // The engine's figure is of both together.
    read: ({ Memory = 0, MemorySwap = 0 }) => {
      if (MemorySwap < 0) return "unlimited";
      return Memory > 0 && MemorySwap > Memory ? formatMemory(MemorySwap - Memory) : none;
    },
    restore: restoreMemory,
  },
  {
    what: "limit of processes",
    needs: "PidsLimit",
    read: ({ PidsLimit }) => (PidsLimit && PidsLimit > 0 ? String(PidsLimit) : none),
    restore: ({ PidsLimit }) => ["--pids-limit", String(PidsLimit ?? -1)],
  },
  {
    what: "restart policy",
    read: ({ RestartPolicy: { Name, MaximumRetryCount = 0 } = { Name: "" } }) =>
      `${Name || "no"}${MaximumRetryCount > 0 ? `:${MaximumRetryCount}` : ""}`,
    restore: () => ["--restart", "no"],
  },
  { what: "share of cpu", read: ({ CpuShares }) => String(CpuShares || none) },
  { what: "set of cpus", read: ({ CpusetCpus }) => CpusetCpus || none },
  { what: "set of memory nodes", read: ({ CpusetMems }) => CpusetMems || none },
  { what: "memory reservation", read: ({ MemoryReservation }) => String(MemoryReservation || none) },
  { what: "weight of block devices", read: ({ BlkioWeight }) => String(BlkioWeight || none) },
];

/** Microseconds: what the kernel takes where nothing is said. */
const usualPeriod = 100_000;

function restoreMemory({ Memory = 0, MemorySwap = 0 }: Found): readonly string[] | undefined {
  return Memory > 0 ? ["--memory", String(Memory), "--memory-swap", String(MemorySwap)] : undefined;
}
