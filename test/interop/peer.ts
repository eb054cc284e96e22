// What the tests ask of other people's clients, and how a program that speaks lines of JSON does it.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface Peer {
  create(path: string, data: string, mode: "persistent" | "ephemeral" | "sequential"): Promise<void>;
  get(path: string): Promise<string>;
  set(path: string, data: string): Promise<void>;
  delete(path: string): Promise<void>;
  children(path: string): Promise<string[]>;
  /** The session that an ephemeral node belongs to, in hexadecimal digits. */
  owner(path: string): Promise<string>;
  /** From now on one change of the node's data, and one of its children, is told. */
  watch(path: string): Promise<void>;
  login(user: string, password: string): Promise<void>;
  /** What it was told, as "changed /path". */
  readonly events: readonly string[];
  /** Ends its session in order. */
  close(): Promise<void>;
}

export interface PeerKind {
  readonly name: string;
  /** Why it cannot take part here. */
  missing(): Promise<string | undefined>;
  open(servers: string): Promise<Peer>;
}

/** A program that reads {"id", "do", …} and answers {"id", "ok" | "error"}, and tells {"event"}. */
export async function jsonPeer(command: readonly [string, ...string[]]): Promise<Peer> {
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const events: string[] = [];
  let last = 0;
  createInterface({ input: child.stdout }).on("line", (line) => {
    const message = JSON.parse(line) as { id?: number; ok?: unknown; error?: string; event?: string };
    if (message.event !== undefined) events.push(message.event);
    const asked = message.id === undefined ? undefined : waiting.get(message.id);
    if (message.error === undefined) asked?.resolve(message.ok);
    else asked?.reject(new Error(message.error));
  });
  const ask = async (order: object): Promise<unknown> => {
    last += 1;
    const asked = Promise.withResolvers<unknown>();
    waiting.set(last, asked);
    child.stdin.write(`${JSON.stringify({ id: last, ...order })}\n`);
    const died = ended.then(() => Promise.reject(new Error(`${program} has ended`)));
    return await Promise.race([asked.promise, died]);
  };
  const close = async () => {
    child.stdin.end();
    await ended;
  };
  try {
    await ask({ do: "ready" });
  } catch (error) {
    child.kill();
    throw error;
  }
  return {
    create: async (path, data, mode) => void (await ask({ do: "create", path, data, mode })),
    get: async (path) => String(await ask({ do: "get", path })),
    set: async (path, data) => void (await ask({ do: "set", path, data })),
    delete: async (path) => void (await ask({ do: "delete", path })),
    children: async (path) => (await ask({ do: "children", path })) as string[],
    owner: async (path) => String(await ask({ do: "owner", path })),
    watch: async (path) => void (await ask({ do: "watch", path })),
    login: async (user, password) => void (await ask({ do: "login", user, password })),
    events,
    close,
  };
}
