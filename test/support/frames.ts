// ZooKeeper's frames as far as a test in the middle looks into them: a length, then a number that a request and its reply share.

/** Bytes to whole frames, each with its length in front; the rest waits for more. */
export function frameSplitter(): (chunk: Buffer) => Buffer[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = Buffer.concat([rest, chunk]);
    const frames: Buffer[] = [];
    while (rest.length >= 4 && rest.length >= 4 + rest.readUInt32BE()) {
      const end = 4 + rest.readUInt32BE();
      frames.push(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
    return frames;
  };
}

/** Number of a request or reply. Below zero: an event (-1), an answer to a ping (-2), and others that nobody waits for one by one. */
export function xidOf(frame: Buffer): number {
  return frame.length < 8 ? 0 : frame.readInt32BE(4);
}

/** What a request asks for: 14 is a multi. */
export function typeOf(request: Buffer): number {
  return request.length < 12 ? 0 : request.readInt32BE(8);
}

/** What a server that refuses says in the place of this reply: the same head, the error, and nothing behind it. */
export function errorReply(reply: Buffer, code: number): Buffer {
  const frame = Buffer.alloc(20);
  frame.writeInt32BE(16);
  reply.copy(frame, 4, 4, 16);
  frame.writeInt32BE(code, 16);
  return frame;
}
