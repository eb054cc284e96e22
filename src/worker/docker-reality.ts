// What the kernel of this machine says of a container's network, where the engine's word for it can be checked.
import { readFile } from "node:fs/promises";
import type Docker from "dockerode";

/** Others keep a container's addresses to themselves: the kernel knows of none. */
const usualRuntime = /^(io\.containerd\.)?runc(\.|$)/;

/**
 * Whether the container's process certainly lacks the address that its engine tells: someone has taken its interface away, which no engine notices.
 * False where that cannot be seen: the engine is on another machine, say, or this process may not look.
 */
export async function lacksAddress(
  { Id, State, HostConfig }: Docker.ContainerInspectInfo,
  ip: string,
): Promise<boolean> {
  if (!usualRuntime.test(HostConfig.Runtime ?? "")) return false;
  try {
    const addresses = await readFile(`/proc/${State.Pid}/net/fib_trie`, "utf8");
    // Asked last: the process may have ended meanwhile, and is nobody of ours where the engine is on another machine.
    const groups = await readFile(`/proc/${State.Pid}/cgroup`, "utf8");
    return groups.includes(Id) && !localAddresses(addresses).has(ip);
  } catch {
    return false;
  }
}

/** From the kernel's table of routes: a line with an address, then one with what it is. */
function localAddresses(trie: string): ReadonlySet<string> {
  const found = [...trie.matchAll(/\|-- ([\d.]+)\n\s+\/32 host LOCAL/g)];
  return new Set(found.map(([, address = ""]) => address));
}
