// Who this machine is: its node's name and key, written at the first start, so that a changed host name orphans nothing.
// A copy of that folder on another machine must not become the same node a second time: the machine it was made on is noted beside it.
import { createHash, randomBytes } from "node:crypto";
import { stat } from "node:fs/promises";
import { hostname } from "node:os";
import { join } from "node:path";
import { createFile, readIfThere, replaceFile } from "../durable-file.ts";
import { messageOf, OrchestraError } from "../model/errors.ts";

export interface Identity {
  readonly node: string;
  /** Random: tells this machine from a stranger with its name. */
  readonly key: string;
  /**
   * This boot of this machine, and this very folder: of two processes with the same place only one can have the folder's locks.
   * Absent where the system tells no boot.
   */
  readonly place?: string;
  /** This boot of this machine. Absent where the system tells none. */
  readonly boot?: string;
}

/** Where a machine shows what tells it from others. */
export interface MachineFiles {
  readonly machineId: string;
  /** There while the machine's number is that of this boot only. */
  readonly transientId: string;
  readonly boot: string;
}

export interface IdentityRequest {
  readonly stateDir: string;
  /** Names the node at the first start, and must agree with it later. */
  readonly wanted: string | undefined;
  /** Whether other machines use the store too: where none does, a copied folder is nobody's double. */
  readonly isShared: boolean;
  readonly machine?: MachineFiles;
}

const linux: MachineFiles = {
  machineId: "/etc/machine-id",
  transientId: "/run/machine-id",
  boot: "/proc/sys/kernel/random/boot_id",
};

/** The identity kept in `stateDir`, made at the first start. Throws `conflict` when the folder is another node's or another machine's, `invalid` when it is damaged. */
export async function nodeIdentity({
  stateDir,
  wanted,
  isShared,
  machine = linux,
}: IdentityRequest): Promise<Identity> {
  const path = join(stateDir, "node.json");
  const kept = await readIdentity(path);
  const identity = kept ?? { node: wanted ?? nameFromHost(hostname()), key: randomBytes(16).toString("hex") };
  if (wanted !== undefined && wanted !== identity.node) {
    throw new OrchestraError("conflict", `this machine is the node ${identity.node}, not ${wanted}`, {
      hint: `unset ORCHESTRA_NODE, or remove ${path} when no container of ours runs here`,
    });
  }
  await settleMachine(stateDir, identity.node, isShared, machine);
  // Another role of this machine may be starting for the first time, too: both are the same node.
  if (!kept && !(await createFile(path, `${JSON.stringify(identity)}\n`))) {
    return nodeIdentity({ stateDir, wanted, isShared, machine });
  }
  const boot = (await readIfAny(machine.boot))?.trim();
  if (!boot) return identity;
  return { ...identity, place: await placeOf(stateDir, boot), boot: digest(`boot ${boot}`) };
}

/** The node that this machine is; undefined: nothing has started here yet. Throws `invalid` where what is kept is damaged. */
export async function knownNode(stateDir: string): Promise<string | undefined> {
  return (await readIdentity(join(stateDir, "node.json")))?.node;
}

async function readIdentity(path: string): Promise<Pick<Identity, "node" | "key"> | undefined> {
  const text = await readIfThere(path);
  return text === undefined ? undefined : parse(text, path);
}

/** What to do on a machine whose state folder is a copy of another one's. */
export function copyHint(stateDir: string): string {
  return `on a copy of a machine delete the folder ${stateDir} (and what was copied of its containers): it becomes a node of its own`;
}

/** Throws `conflict` when the folder was made on another machine. */
async function settleMachine(stateDir: string, node: string, isShared: boolean, machine: MachineFiles): Promise<void> {
  const id = await machineOf(machine);
  if (id === undefined) return;
  const path = join(stateDir, "machine");
  const noted = (await readIfThere(path))?.trim();
  if (noted === undefined) return replaceFile(path, `${id}\n`);
  if (noted === id || !isShared) return;
  throw new OrchestraError("conflict", `the state folder ${stateDir} (node ${node}) was made on another machine`, {
    hint: `${copyHint(stateDir)}; where it is this machine that got a new system or new hardware, and no other is ${node} any more, delete ${path} instead`,
  });
}

/** The machine's number, as only we see it: systemd asks not to show it around. Undefined: there is none that lasts and is its own. */
async function machineOf({ machineId, transientId }: MachineFiles): Promise<string | undefined> {
  const text = (await readIfAny(machineId))?.trim();
  if (!text || !/^[0-9a-f]{32}$/i.test(text) || (await readIfAny(transientId)) !== undefined) return undefined;
  return digest(`machine ${text.toLowerCase()}`);
}

async function placeOf(stateDir: string, boot: string): Promise<string> {
  const { dev, ino } = await stat(stateDir);
  return digest(`place ${boot} ${dev} ${ino}`);
}

/** What cannot be read tells nothing. */
function readIfAny(path: string): Promise<string | undefined> {
  return readIfThere(path).catch(() => undefined);
}

function digest(text: string): string {
  return createHash("sha256").update(`orchestra ${text}`).digest("hex").slice(0, 32);
}

function parse(text: string, path: string): Identity {
  try {
    const { node, key } = JSON.parse(text) as Partial<Identity>;
    if (typeof node === "string" && typeof key === "string") return { node, key };
    throw new Error("node or key is missing");
  } catch (error) {
    throw new OrchestraError("invalid", `${path} is damaged: ${messageOf(error)}`, {
      hint: "restore it, or remove it when no container of ours runs here",
      cause: error,
    });
  }
}

/** A host name as a DNS label. */
function nameFromHost(host: string): string {
  const label = host
    .split(".")[0]
    ?.toLowerCase()
    .replace(/[^a-z0-9-]+/g, "-")
    .replace(/^-+|-+$/g, "")
    .slice(0, 63)
    .replace(/-+$/, "");
  return label || "node-1";
}
