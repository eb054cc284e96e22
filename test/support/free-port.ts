// A port for a server that a test starts as another program.
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { createServer } from "node:net";

const loopback = "127.0.0.1";
/** Below what Linux gives to outgoing connections (ip_local_port_range begins at 32768): thousands of those come and go beside a test. */
const [first, end] = [20_000, 32_768];

/** A port of 127.0.0.1 that is free for TCP and UDP. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = first + Math.floor(Math.random() * (end - first));
    if ((await isFreeForTcp(port)) && (await isFreeForUdp(port))) return port;
  }
}

async function isFreeForTcp(port: number): Promise<boolean> {
  const server = createServer().listen(port, loopback);
  const isFree = await once(server, "listening").then(
    () => true,
    () => false,
  );
  if (isFree) await once(server.close(), "close");
  return isFree;
}

async function isFreeForUdp(port: number): Promise<boolean> {
  const socket = createSocket("udp4");
  socket.bind(port, loopback);
  const isFree = await once(socket, "listening").then(
    () => true,
    () => false,
  );
  await new Promise<void>((resolve) => socket.close(() => resolve()));
  return isFree;
}
