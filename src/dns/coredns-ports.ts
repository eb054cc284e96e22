// Which ports CoreDNS can have. It shares ports with any other CoreDNS of the same user without an error (SO_REUSEPORT),
// so orchestra asks before it starts one, and claims the port until that one listens: two clusters must not answer on one port by turns.
import { createSocket } from "node:dgram";
import { createServer } from "node:net";
import { OrchestraError } from "../model/errors.ts";

const loopback = "127.0.0.1";

/** A port that no other orchestra of this host hands to its CoreDNS until `release`: by then CoreDNS listens on it, and whoever asks is told so. */
export interface ClaimedPort {
  readonly port: number;
  release(): Promise<void>;
}

/** The first of `preferred` that is free on loopback for UDP and TCP, else any free one. */
export async function claimLocalPort(preferred: readonly number[]): Promise<ClaimedPort> {
  for (const port of preferred) {
    const claimed = await claim(port);
    if (claimed) return claimed;
  }
  for (;;) {
    const claimed = await claim(await anyFreePort());
    if (claimed) return claimed;
  }
}

async function claim(port: number): Promise<ClaimedPort | undefined> {
  const release = await lock(`orchestra-dns-port-${port}`);
  if (!release) return undefined;
  if ((await bindError(loopback, port)) === undefined) return { port, release };
  await release();
  return undefined;
}

/** Holds a name until it is released, or until this process ends, however it ends. Undefined: another process holds it. */
function lock(name: string): Promise<(() => Promise<void>) | undefined> {
  // Names without a file, which end with their process and count where the ports do, are Linux's own; elsewhere nobody runs two clusters.
  if (process.platform !== "linux") return Promise.resolve(async () => {});
  return new Promise((resolve, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(undefined) : reject(error),
    );
    server.listen(`\0${name}`, () => resolve(() => new Promise((done) => server.close(() => done()))));
  });
}

/** A port of 127.0.0.1 that nothing listens on, as far as one can know beforehand. */
export function anyFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen({ host: loopback, port: 0, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : 0));
    });
  });
}

/** Throws `unavailable` with what to do where CoreDNS could not listen on this address of the node's bridge. */
export async function checkGateway(gateway: string, port: number): Promise<void> {
  const code = await bindError(gateway, port);
  if (code === "EADDRNOTAVAIL") {
    throw new OrchestraError("unavailable", `no network of this host has the address ${gateway} of the node's bridge`, {
      hint: "the worker makes the network when Docker answers",
    });
  }
  if (code === "EADDRINUSE") {
    throw new OrchestraError("unavailable", `port ${port} of ${gateway}, where containers ask for names, is taken`, {
      hint: `\`ss -lntup 'sport = :${port}'\` tells by which program; let it listen on certain addresses only, not on all`,
    });
  }
  // EACCES says nothing: the CoreDNS program may have the right to low ports that we lack.
}

/** The code of the error that a program gets that wants this port for UDP and TCP; undefined: none. */
async function bindError(host: string, port: number): Promise<string | undefined> {
  return (await udpError(host, port)) ?? (await tcpError(host, port));
}

function udpError(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("error", (error: NodeJS.ErrnoException) => socket.close(() => resolve(error.code)));
    socket.bind({ address: host, port, exclusive: true }, () => socket.close(() => resolve(undefined)));
  });
}

function tcpError(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}
