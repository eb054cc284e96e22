// The end of a process that has closed everything, and is kept alive all the same by a call that the kernel does not end: a look into a
// network mount whose server is gone. Such a call cannot be cancelled, and `process.exit` waits for its thread.
import type { Log } from "../../log.ts";

/** By then whatever was under way when all was closed has ended. */
const lingerMs = 3_000;

/** To be called when nothing is left to do: the process ends by itself, or, where something keeps it from that, as SIGTERM ends a program. */
export function endSoon(log: Log): void {
  setTimeout(() => {
    log.warn("ends without a call that does not return, as into a network mount whose server is gone");
    endNow("SIGTERM");
  }, lingerMs).unref();
}

/** As the signal ends a program that does not listen for it: the kernel waits for no thread. */
export function endNow(signal: NodeJS.Signals): void {
  process.removeAllListeners(signal);
  process.kill(process.pid, signal);
}
