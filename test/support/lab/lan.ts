// The network between the machines of a lab: a switch, which is a machine of its own, and a cable to each. This process has a cable too.
// All of it is gone when the switch ends: the kernel removes both ends of a cable with either.
import { execFile } from "node:child_process";
import { randomInt } from "node:crypto";
import { promisify } from "node:util";
import { type Machine, startMachine } from "./machine.ts";

const run = promisify(execFile);

export interface Lan {
  /** Connects a machine, on its interface eth0. */
  plug(machine: Machine, address: string): Promise<Cable>;
  /** An address of this network. */
  address(last: number): string;
  close(): Promise<void>;
}

export interface Cable {
  readonly address: string;
  /** The command line that cuts or mends it. */
  command(state: "up" | "down"): readonly string[];
  /** Nothing gets through, either way. */
  cut(): Promise<void>;
  heal(): Promise<void>;
}

/** Below 10.240.0.0/16, which no default of orchestra or Docker takes. */
export async function openLan(id: string): Promise<Lan> {
  const network = await freeNetwork();
  const hub = await startMachine(`lan-${id}`);
  const target = String(hub.pid);
  await hub.run("ip", "link", "add", "lan", "type", "bridge");
  await hub.run("ip", "link", "set", "lan", "up");
  let cables = 0;

  const connect = async (setUpEnd: (end: string) => Promise<void>) => {
    cables += 1;
    const port = `port${cables}`;
    await setUpEnd(port);
    await hub.run("ip", "link", "set", port, "master", "lan");
    await hub.run("ip", "link", "set", port, "up");
    return port;
  };

  const lan: Lan = {
    address: (last) => `${network}.${last}`,
    async plug(machine, address) {
      const port = await connect(async (name) => {
        const ends = ["name", name, "netns", target, "type", "veth", "peer", "name", "eth0", "netns", `${machine.pid}`];
        await run("ip", ["link", "add", ...ends]);
        await machine.run("ip", "addr", "add", `${address}/24`, "dev", "eth0");
        await machine.run("ip", "link", "set", "eth0", "up");
      });
      const words = (state: "up" | "down") => ["ip", "link", "set", port, state] as const;
      return {
        address,
        command: (state) => [...hub.enter, ...words(state)],
        cut: async () => void (await hub.run(...words("down"))),
        heal: async () => void (await hub.run(...words("up"))),
      };
    },
    close: () => hub.kill(),
  };
  await connect(async (name) => {
    const own = `lab${id}`;
    await run("ip", ["link", "add", own, "type", "veth", "peer", "name", name, "netns", target]);
    await run("ip", ["addr", "add", `${lan.address(1)}/24`, "dev", own]);
    await run("ip", ["link", "set", own, "up"]);
  });
  return lan;
}

async function freeNetwork(): Promise<string> {
  const { stdout } = await run("ip", ["-4", "route"]);
  for (;;) {
    const network = `10.240.${randomInt(0, 256)}`;
    if (!stdout.includes(`${network}.`)) return network;
  }
}
