// The log: one structured line per event. Rooms get a Log; only this file knows the package behind it.
import { destination, pino, stdTimeFunctions } from "pino";

export type LogLevel = "debug" | "info" | "warn" | "error";

/** Never pass an environment value, a password or a registry's token in `fields`. */
export interface Log {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
  /** A log whose every line carries these fields too. */
  with(fields: Readonly<Record<string, unknown>>): Log;
}

/** Writes JSON lines to a file descriptor (2: standard error). Synchronous, so that a dying process loses no line. */
export function openLog(level: LogLevel, fd = 2): Log {
  const logger = pino(
    { level, base: null, timestamp: stdTimeFunctions.isoTime, formatters: { level: (label) => ({ level: label }) } },
    destination({ fd, sync: true }),
  );
  return wrap(logger);
}

/** Says nothing: for commands that print their own output. */
export const silentLog: Log = Object.freeze({
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  with: () => silentLog,
});

/** What this file needs of a pino logger: its own type does not survive `exactOptionalPropertyTypes`. */
interface Logger extends Record<LogLevel, (fields: object, message: string) => void> {
  child(fields: object): Logger;
}

function wrap(logger: Logger): Log {
  return {
    debug: (message, fields) => logger.debug(fields ?? {}, message),
    info: (message, fields) => logger.info(fields ?? {}, message),
    warn: (message, fields) => logger.warn(fields ?? {}, message),
    error: (message, fields) => logger.error(fields ?? {}, message),
    with: (fields) => wrap(logger.child(fields)),
  };
}
