// doctor: CoreDNS, and the ports that it needs.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";
import type { DnsStatus } from "../../dns/coredns-status.ts";
import { type Check, fail, ok, warn } from "./checks.ts";

export interface NamesFacts {
  /** What would be started: the path of a program or the name of an image. */
  readonly program: { readonly kind: "file" | "image"; readonly name: string };
  /** Undefined: none was started, or `down` stopped it. */
  readonly status: DnsStatus | undefined;
  readonly upIsRunning: boolean;
  readonly wantedLocalPort: number;
  /** Of the node's bridge, once it exists. */
  readonly gateway: string | undefined;
}

export async function checkNames(facts: NamesFacts): Promise<Check[]> {
  return [checkProgram(facts), checkAnswers(facts), ...(await checkPorts(facts))];
}

function checkProgram({ program }: NamesFacts): Check {
  if (program.kind === "file") return ok("CoreDNS", program.name);
  return warn(
    "CoreDNS",
    `no program on PATH: the image ${program.name} would be used, which a registry must be reached for`,
    "run make in a checkout (it builds CoreDNS into .cache/bin), or put coredns on PATH",
  );
}

function checkAnswers({ status, upIsRunning }: NamesFacts): Check {
  const name = "Names";
  if (!status?.running) {
    if (!upIsRunning) return ok(name, "not answered: orchestra is not running here");
    const log = status ? `; its log is ${status.logFile}` : "";
    return fail(name, "CoreDNS is not running", `orchestra starts it again within seconds, else see up.log${log}`);
  }
  const { pid, localPort, gateway, gatewayPort, serial, answeredSerial, logFile } = status;
  const where = `on 127.0.0.1:${localPort} and ${gateway}:${gatewayPort} (pid ${pid})`;
  if (answeredSerial === undefined) {
    return fail(
      name,
      `CoreDNS runs but does not answer ${where}`,
      `see ${logFile}; orchestra down and up start it anew`,
    );
  }
  if (serial !== answeredSerial) {
    const message = `CoreDNS answers from zone ${answeredSerial}, the file has ${serial}`;
    return warn(name, message, `it loads the file within a second; if it stays like this, see ${logFile}`);
  }
  return ok(name, `answered ${where}, zone ${serial}`);
}

/** Only what CoreDNS does not hold itself can be tried. */
async function checkPorts({ status, wantedLocalPort, gateway }: NamesFacts): Promise<Check[]> {
  const checks: Check[] = [];
  if (!status?.running) {
    const local = await whyTaken("127.0.0.1", wantedLocalPort);
    const name = `Port ${wantedLocalPort}`;
    if (local === undefined) checks.push(ok(name, "free on 127.0.0.1"));
    else checks.push(warn(name, `${local} on 127.0.0.1: another free port is used`, "set ORCHESTRA_DNS_PORT"));
  } else if (status.localPort !== wantedLocalPort) {
    const message = `names are answered on port ${status.localPort} of 127.0.0.1 instead`;
    checks.push(
      warn(`Port ${wantedLocalPort}`, message, "free it, then orchestra down and up; or set ORCHESTRA_DNS_PORT"),
    );
  }
  if (!status?.running && gateway !== undefined) {
    const taken = await whyTaken(gateway, 53);
    if (taken === undefined) checks.push(ok("Port 53", `free on ${gateway}`));
    else checks.push(fail("Port 53", `${taken} on ${gateway}, where containers ask`, whoHolds53(taken)));
  }
  return checks;
}

function whoHolds53(taken: string): string {
  return taken === "not allowed"
    ? "run orchestra as root"
    : "make the program that holds it listen on its own addresses only (ss -lnup 'sport = 53' names it)";
}

/** Undefined when both protocols are free there, or when the address is none of this host's now. */
async function whyTaken(address: string, port: number): Promise<string | undefined> {
  for (const tryOne of [tryUdp, tryTcp]) {
    try {
      await tryOne(address, port);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === "EADDRNOTAVAIL") return undefined;
      return code === "EACCES" ? "not allowed" : "taken";
    }
  }
  return undefined;
}

async function tryUdp(address: string, port: number): Promise<void> {
  const socket = createSocket("udp4");
  socket.bind({ address, port, exclusive: true });
  await once(socket, "listening");
  socket.close();
}

async function tryTcp(address: string, port: number): Promise<void> {
  const server = createServer().listen({ host: address, port, exclusive: true });
  await once(server, "listening");
  server.close();
}
