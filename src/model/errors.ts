// The one error class of orchestra. Absent is `undefined`; failure throws one of these.
// Two tables elsewhere (exit codes in cli/, later HTTP status in api/) translate the code.

/**
 * - `invalid`: the caller's input is wrong (a flag, a file, a field).
 * - `not-found`: something named explicitly does not exist.
 * - `conflict`: someone else changed it first, or it is in a state that forbids the request.
 * - `unavailable`: a part we need (store, Docker, CoreDNS, disk) does not answer or refuses now.
 * - `bug`: orchestra itself is wrong.
 */
export type ErrorCode = "invalid" | "not-found" | "conflict" | "unavailable" | "bug";

export interface ErrorOptions {
  /** What the user can do about it, as one sentence without a full stop at the end. */
  readonly hint?: string;
  readonly cause?: unknown;
  /** Machine-readable details, printed with `-o json`. Never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
}

export class OrchestraError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "OrchestraError";
    this.code = code;
    this.hint = options.hint;
    this.details = options.details;
  }
}

/** Whether `error` is an OrchestraError, with `code` where one is given. */
export function isOrchestraError(error: unknown, code?: ErrorCode): error is OrchestraError {
  return error instanceof OrchestraError && (code === undefined || error.code === code);
}

/** The text of anything thrown, for a log line or a reason on a pod. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
