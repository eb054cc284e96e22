// Somebody who knows a session's id and password, and ends it under its owner: as an operator, or a server that has lost it, would.
import { once } from "node:events";
import { connect } from "node:net";
import { frameSplitter } from "./frames.ts";

export interface SessionKey {
  readonly id: bigint;
  readonly password: Buffer;
}

/** What a server's first frame tells. */
export function sessionOf(frame: Buffer): SessionKey {
  // Its length, the protocol's version and the session's time stand before.
  const length = frame.readInt32BE(20);
  return { id: frame.readBigInt64BE(12), password: Buffer.from(frame.subarray(24, 24 + length)) };
}

/** Between two servers' words; a session that is being taken up by its owner in the same moment may get none. */
const silenceMs = 1_000;

/** Resolves with true when the server has ended the session; false: it did not know it, or said nothing. */
export async function endSession(
  server: { readonly host: string; readonly port: number },
  { id, password }: SessionKey,
): Promise<boolean> {
  const socket = connect({ ...server, noDelay: true });
  const split = frameSplitter();
  const ended = new Promise<boolean>((resolve) => {
    let isTaken = false;
    // The connection goes with the session, at times before the answer is out.
    socket.on("error", () => resolve(isTaken));
    socket.on("close", () => resolve(isTaken));
    socket.setTimeout(silenceMs, () => resolve(false));
    socket.on("data", (chunk: Buffer) => {
      for (const frame of split(chunk)) {
        if (isTaken) resolve(true);
        else isTaken = sessionOf(frame).id === id;
      }
    });
  });
  await once(socket, "connect");
  const greeting = Buffer.alloc(33 + password.length);
  greeting.writeInt32BE(greeting.length - 4, 0);
  greeting.writeInt32BE(4_000, 16);
  greeting.writeBigInt64BE(id, 20);
  greeting.writeInt32BE(password.length, 28);
  password.copy(greeting, 32);
  const closing = Buffer.alloc(12);
  closing.writeInt32BE(8, 0);
  closing.writeInt32BE(1, 4);
  closing.writeInt32BE(-11, 8);
  socket.write(Buffer.concat([greeting, closing]));
  try {
    return await ended;
  } finally {
    socket.destroy();
  }
}
