// doctor: disks, the clock, and the range of the network against the host's own routes. Changes nothing.
import { createSocket } from "node:dgram";
import { existsSync, readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { duration } from "../print.ts";
import { type Check, fail, ok, warn } from "./checks.ts";

const gibibyte = 1024 ** 3;
/** Less than this, and the next image or a burst of logs fills it. */
const roomyBytes = 2 * gibibyte;
/** Less than this, and writes fail any moment. */
const tightBytes = 0.1 * gibibyte;

/** Free space where `folder` is, or will be made. */
export async function checkDisk(name: string, folder: string): Promise<Check> {
  const place = nearestThatExists(folder);
  const { bavail, bsize, ffree, files } = await statfs(place);
  const free = bavail * bsize;
  const text = `${(free / gibibyte).toFixed(1)} GiB free at ${place}`;
  // Some file systems count no inodes, and say 0 of 0.
  if (files > 0 && ffree === 0) return fail(name, `no inodes left at ${place}`, "delete small files there");
  if (free < tightBytes) return fail(name, text, "make room: docker image prune removes images that nothing uses");
  if (free < roomyBytes) return warn(name, text, "make room: docker image prune removes images that nothing uses");
  return ok(name, text);
}

function nearestThatExists(path: string): string {
  return existsSync(path) || path === dirname(path) ? path : nearestThatExists(dirname(path));
}

/** Between two looks at both clocks, and between now and the newest time in the store. */
export function checkClock(nowMs: number, newest: string | undefined): Check {
  const ahead = newest === undefined ? 0 : Date.parse(newest) - nowMs;
  const shown = new Date(nowMs).toISOString();
  if (ahead > 5_000) {
    const message = `${shown}, which is ${duration(ahead)} before the newest time in the store`;
    return warn(
      "Clock",
      message,
      "set the clock (NTP); until then ages are shown wrongly, but nothing is decided on it",
    );
  }
  return ok("Clock", shown);
}

/** Whether this host has the address, on whatever interface. A bridge without a container is down, and has it all the same. */
export function hasAddress(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket("udp4");
    socket.once("error", () => socket.close(() => resolve(false)));
    socket.bind({ address, port: 0, exclusive: true }, () => socket.close(() => resolve(true)));
  });
}

/** The text of the kernel's table of routes; "" where there is none, as on macOS. */
export function routeTable(): string {
  try {
    return readFileSync("/proc/net/route", "utf8");
  } catch {
    return "";
  }
}
