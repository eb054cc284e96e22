// A cluster whose names a real CoreDNS answers, on addresses of its own: tests run beside each other and beside a user's cluster.
import { createSocket } from "node:dgram";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Answer, decode, encode, type Packet } from "dns-packet";
import { systemClock } from "../../src/clock.ts";
import { stopCoredns } from "../../src/dns/coredns-process.ts";
import { type Dns, type DnsOptions, startDns } from "../../src/dns/dns.ts";
import type { Log } from "../../src/log.ts";
import { openEmbedded } from "../../src/store/embedded.ts";
import type { Store } from "../../src/store/store.ts";
import { freePort } from "./free-port.ts";

export const packageDir = fileURLToPath(new URL("../..", import.meta.url));

export interface DnsFixture {
  readonly stateDir: string;
  readonly store: Store;
  /** An address of loopback that stands for the bridge's gateway; the node document has to name it. */
  readonly gateway: string;
  readonly gatewayPort: number;
  readonly localPort: number;
  /** What was logged, one line each. */
  readonly said: string[];
  start(overrides?: Partial<DnsOptions>): Promise<Dns>;
  /** Asks where containers would. */
  ask(name: string, type?: "A" | "AAAA" | "SRV" | "SOA"): Promise<DnsAnswer>;
}

/** A package folder without the program of CoreDNS: where the search path has none either, only an image can serve names. */
export async function barePackage({ stateDir }: DnsFixture): Promise<string> {
  const bare = join(stateDir, "package");
  await mkdir(bare);
  await cp(join(packageDir, "Corefile"), join(bare, "Corefile"));
  return bare;
}

export interface DnsAnswer {
  /** NOERROR, NXDOMAIN, … ; SILENT where nothing answers. */
  readonly code: string;
  /** `name type data`, sorted. */
  readonly answers: readonly string[];
  readonly additionals: readonly string[];
}

interface Test {
  after(clean: () => Promise<void>): void;
}

/** Everything it starts ends with the test, CoreDNS too. */
export async function dnsFixture(test: Test): Promise<DnsFixture> {
  const stateDir = await mkdtemp(join(tmpdir(), "orchestra-test-dns-"));
  const store = await openEmbedded(join(stateDir, "store.db"), { create: true });
  const gateway = `127.${20 + random(200)}.${random(256)}.1`;
  const [gatewayPort, localPort] = [await freePort(), await freePort()];
  const said: string[] = [];
  const started: Dns[] = [];
  test.after(async () => {
    for (const dns of started) await dns.close();
    await stopCoredns(stateDir);
    await store.close();
    await rm(stateDir, { recursive: true, force: true });
  });
  return {
    ...{ stateDir, store, gateway, gatewayPort, localPort, said },
    async start(overrides = {}) {
      const dns = await startDns({
        ...{
          stateDir,
          packageDir,
          store,
          gatewayPort,
          localPort,
          node: "node-1",
          clock: systemClock,
          log: recording(said),
        },
        searchPath: process.env["PATH"] ?? "",
        engine: {},
        ...overrides,
      });
      // A test may close it itself; the second time does nothing.
      let closing: Promise<void> | undefined;
      const handle: Dns = {
        close() {
          closing ??= dns.close();
          return closing;
        },
      };
      started.push(handle);
      return handle;
    },
    ask: (name, type = "A") => askDns(gateway, gatewayPort, `${name}.cluster.local`, type),
  };
}

/** One question over UDP; nobody there is an answer too. */
export function askDns(
  host: string,
  port: number,
  name: string,
  type: "A" | "AAAA" | "SRV" | "SOA",
): Promise<DnsAnswer> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    const end = (answer: DnsAnswer) => {
      clearTimeout(timer);
      socket.close();
      resolve(answer);
    };
    const silent = { code: "SILENT", answers: [], additionals: [] };
    const timer = setTimeout(end, 1_000, silent);
    socket.once("error", () => end(silent));
    socket.once("message", (message) => {
      // The package's own types lack the code of the answer.
      const packet = decode(message) as unknown as Packet & { readonly rcode: string };
      end({ code: packet.rcode, answers: lines(packet.answers), additionals: lines(packet.additionals) });
    });
    // Connected, so that a closed port is an error at once.
    socket.connect(port, host, () =>
      socket.send(encode({ type: "query", id: random(65_536), questions: [{ name, type }] })),
    );
  });
}

function lines(answers: readonly Answer[] = []): string[] {
  return answers.map((answer) => `${answer.name} ${answer.type} ${"data" in answer ? text(answer.data) : ""}`).sort();
}

function text(data: unknown): string {
  if (typeof data === "object" && data && "target" in data && "port" in data) return `${data.port} ${data.target}`;
  return String(data);
}

function recording(said: string[]): Log {
  const write = (level: string) => (message: string, fields?: object) => {
    said.push(`${level} ${message} ${fields ? JSON.stringify(fields) : ""}`);
  };
  const log: Log = {
    debug: write("debug"),
    info: write("info"),
    warn: write("warn"),
    error: write("error"),
    with: () => log,
  };
  return log;
}

const random = (below: number) => Math.floor(Math.random() * below);
