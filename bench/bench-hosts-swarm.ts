// The peer on the hosts of a lab: Swarm mode of the same engines, over the same cables, driven by its command line.
import type { Lab, LabHost } from "../test/support/lab.ts";
import { replicas, running, type Side, until } from "./bench-hosts.ts";

export interface SwarmHosts extends Side {
  /** Makes every host a manager. */
  promoteAll(): Promise<void>;
  leave(): Promise<void>;
}

/** The first host is its manager; the others work. */
export async function startSwarmHosts({ hosts }: Lab): Promise<SwarmHosts> {
  const swarm = await formSwarm(hosts as readonly [LabHost, ...LabHost[]]);
  const { first, leading } = swarm;
  return {
    ...swarm,
    label,
    async place(name) {
      await create(first, name, replicas);
      const isThere = async (host: LabHost) => (await running(host, label(name))) === replicas / hosts.length;
      await until(`${name} runs on all hosts`, async () => (await Promise.all(hosts.map(isThere))).every(Boolean));
    },
    async ready(name, on) {
      return (await Promise.all(on.map((host) => running(host, label(name))))).reduce((sum, count) => sum + count, 0);
    },
    async following() {
      const leader = await leading();
      return hosts.findLast((host) => host !== leader) ?? leader;
    },
    apply: async (name, host) => (await create(host, name, 2)).code === 0,
    async clear() {
      const services = (await docker(first, "service", "ls", "-q")).split("\n").filter(Boolean);
      await docker(first, "service", "rm", ...services);
      const left = async (host: LabHost) =>
        (await host.docker.listContainers({ all: true, filters: { label: ["com.docker.swarm.service.name"] } })).length;
      await until("no service is left", async () => (await Promise.all(hosts.map(left))).every((count) => count === 0));
    },
  };
}

/** Who belongs to the swarm, and who leads it. Resolves when all hosts are in it. */
async function formSwarm(hosts: readonly [LabHost, ...LabHost[]]) {
  const [first, ...others] = hosts;
  const at = ({ address }: LabHost) => ["--advertise-addr", address, "--listen-addr", `${address}:2377`];
  await docker(first, "swarm", "init", ...at(first));
  const token = await docker(first, "swarm", "join-token", "-q", "worker");
  for (const host of others)
    await docker(host, "swarm", "join", "--token", token, ...at(host), `${first.address}:2377`);

  let managers: readonly LabHost[] = [first];
  const nodes = async () => {
    const lines = await docker(first, "node", "ls", "--format", "{{.Hostname}} {{.Status}} {{.ManagerStatus}}");
    return lines.split("\n").map((line) => line.split(" "));
  };
  const settled = () =>
    until("all hosts are in the swarm", async () => {
      const all = await nodes().catch(() => []);
      const fine = all.filter(([, status, manager = ""]) => status === "Ready" && manager !== "Unreachable");
      const reachable = all.filter(([, , manager]) => manager === "Leader" || manager === "Reachable");
      return fine.length === hosts.length && reachable.length === managers.length;
    });
  await settled();
  return {
    first,
    settled,
    async leading() {
      const [name] = (await nodes()).find(([, , manager]) => manager === "Leader") ?? [];
      return hosts.find((host) => host.name === name) ?? first;
    },
    async promoteAll() {
      await docker(first, "node", "promote", ...others.map(({ name }) => name));
      managers = hosts;
      await settled();
    },
    async leave() {
      for (const host of hosts.toReversed()) await docker(host, "swarm", "leave", "--force");
    },
  };
}

const label = (name: string) => `com.docker.swarm.service.name=${name}`;

function create(host: LabHost, name: string, count: number) {
  return host.run(
    ...["docker", "service", "create", "--detach", "--no-resolve-image", "--name", name],
    ...["--replicas", `${count}`, "orchestra-demo:1"],
  );
}

async function docker(host: LabHost, ...words: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await host.run("docker", ...words);
  if (code !== 0) throw new Error(`${host.name}: docker ${words.join(" ")}: ${stderr}`);
  return stdout.trim();
}
