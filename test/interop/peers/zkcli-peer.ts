// zkCli, the shell that comes with ZooKeeper: commands go in, and what it writes for people is read.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { javaCommand } from "../../support/zookeeper-process.ts";
import type { Peer } from "../peer.ts";

const kinds = new Map([
  ["NodeCreated", "created"],
  ["NodeDeleted", "deleted"],
  ["NodeDataChanged", "changed"],
  ["NodeChildrenChanged", "children"],
]);
const switches = { persistent: [], ephemeral: ["-e"], sequential: ["-s"] };

/** Data and paths must have no quotes and no line ends: its commands cannot say them. */
export async function zkCliPeer(servers: string): Promise<Peer> {
  const encoding = ["-Dfile.encoding=UTF-8", "-Dsun.stdout.encoding=UTF-8", "-Dsun.stderr.encoding=UTF-8"];
  const options = [...encoding, "-Dorg.slf4j.simpleLogger.defaultLogLevel=off"];
  const main = "org.apache.zookeeper.ZooKeeperMain";
  const [java, ...args] = [...javaCommand(options), main, "-waitforconnection", "-server", servers];
  // What it prints and what it complains of must stay in order, so both go into one pipe.
  const child = spawn("sh", ["-c", 'exec "$@" 2>&1', "sh", java, ...args], { stdio: ["pipe", "pipe", "inherit"] });
  const ended = once(child, "exit");
  const events: string[] = [];
  const lines: string[] = [];
  let marker: { readonly text: string; readonly reached: () => void } | undefined;
  createInterface({ input: child.stdout }).on("line", (line) => {
    const event = /^WatchedEvent .*type:(\w+) path:(.*)$/.exec(line);
    const kind = kinds.get(event?.[1] ?? "");
    if (kind) events.push(`${kind} ${event?.[2]}`);
    if (marker && line.includes(marker.text)) marker.reached();
    else if (!event && line !== "WATCHER::" && line !== "") lines.push(line);
  });
  let commands = 0;
  /** The lines that a command printed: those before the complaint about a node that we know is not there. */
  const ask = async (...words: readonly string[]): Promise<string[]> => {
    commands += 1;
    lines.length = 0;
    const text = `/no-such-node-${commands}`;
    const reached = new Promise<void>((resolve) => {
      marker = { text, reached: resolve };
    });
    child.stdin.write(`${words.map((word) => `"${word}"`).join(" ")}\nls ${text}\n`);
    await Promise.race([reached, ended.then(() => Promise.reject(new Error("zkCli has ended")))]);
    const refusal = lines.find((line) => /does not exist|Insufficient permission|already exists|not valid/i.test(line));
    if (refusal) throw new Error(refusal);
    return [...lines];
  };
  await ask("version");
  return {
    create: async (path, data, mode) => void (await ask("create", ...switches[mode], path, data)),
    get: async (path) => (await ask("get", path)).at(-1) ?? "",
    set: async (path, data) => void (await ask("set", path, data)),
    delete: async (path) => void (await ask("delete", path)),
    async children(path) {
      const list = /^\[(.*)\]$/.exec((await ask("ls", path)).at(-1) ?? "")?.[1] ?? "";
      return list === "" ? [] : list.split(", ");
    },
    async owner(path) {
      const line = (await ask("stat", path)).find((each) => each.startsWith("ephemeralOwner"));
      return line?.replace("ephemeralOwner = 0x", "") ?? "";
    },
    watch: async (path) => void [await ask("get", "-w", path), await ask("ls", "-w", path)],
    login: async (user, password) => void (await ask("addauth", "digest", `${user}:${password}`)),
    events,
    async close() {
      child.stdin.end("quit\n");
      await ended;
    },
  };
}
