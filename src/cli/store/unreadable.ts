// Documents that are in the store and cannot be read: lists leave them out, and the store's log names each of them.
import { type Log, silentLog } from "../../log.ts";

/** A log that hands on what it is told of such documents, and nothing else. */
export function unreadableLog(tell: (message: string) => void): Log {
  return {
    ...silentLog,
    error: (message) => {
      if (/^the document \S+ is damaged/.test(message)) tell(message);
    },
  };
}
