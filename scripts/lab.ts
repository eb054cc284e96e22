// `make lab`: hosts to play with, on one machine. Starts orchestra on each, applies manifests/, and says how to enter them. Ctrl-C ends all of it.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type LabHost, openLab, whyNoLab } from "../test/support/lab.ts";

const why = whyNoLab();
const count = Number(process.argv[2] ?? 3);
if (why !== undefined) fail(`${why}: sudo make lab`);
if (!Number.isInteger(count) || count < 1 || count > 9) fail("hosts is a number from 1 to 9, as in make lab hosts=3");

const images = ["orchestra-demo:1", "orchestra-demo:2", "orchestra-demo:healthcheck"];
const manifests = fileURLToPath(new URL("../manifests", import.meta.url));

console.log(`starting ${count} hosts and three ZooKeeper servers (half a minute)`);
const lab = await openLab({ hosts: count, images });
for (const host of lab.hosts) writeCommands(host);
await Promise.all(lab.hosts.map((host) => host.start("up")));
const [first] = lab.hosts;
const applied = await first?.orchestra("apply", "-f", manifests, "--timeout", "60s");
if (applied?.code !== 0) console.error(applied?.stderr);
console.log((await first?.orchestra("get", "pods", "-o", "wide"))?.stdout);
console.log(`The store is ${lab.storeUrl}. In each host a worker, a master that leads or stands by, and a CoreDNS run.

  cd ${lab.folder}
  host-1/enter                                   a shell in host-1, where orchestra, docker and ip are that host's
  host-1/enter orchestra get pods -o wide -w     or one command
  host-2/cut                                     pull the cable of host-2 …
  host-2/heal                                    … and put it in again
  tail -f host-1/orchestra-1.log                 what orchestra says there

Ctrl-C ends the lab, with everything in it.`);
setInterval(() => {}, 60_000);

/** Commands for people, in the host's folder. */
function writeCommands(host: LabHost): void {
  const settings = Object.entries(host.environment).filter(([name]) => /^(ORCHESTRA_|DOCKER_HOST$|PATH$)/.test(name));
  const environment = settings.map(([name, value = ""]) => quoted(`${name}=${value}`));
  const enter = [...host.enter, "env"].map(quoted).concat(environment).join(" ");
  writeCommand(host, "enter", `if [ $# = 0 ]; then set -- sh; fi\nexec ${enter} "$@"`);
  writeCommand(host, "cut", `exec ${host.cable.command("down").map(quoted).join(" ")}`);
  writeCommand(host, "heal", `exec ${host.cable.command("up").map(quoted).join(" ")}`);
}

function writeCommand(host: LabHost, name: string, line: string): void {
  writeFileSync(join(host.folder, name), `#!/bin/sh\n${line}\n`, { mode: 0o700 });
}

function quoted(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}

function fail(message: string): never {
  console.error(`error: ${message}`);
  process.exit(1);
}
