// What the client and the servers say, as errors that a user can act on.
import { isOrchestraError, messageOf, OrchestraError } from "../model/errors.ts";
import { shellWord } from "../model/shell-word.ts";
import { ZooKeeperError, type ZooKeeperErrorCode } from "../zookeeper/errors.ts";

/** Whether `error` is one of these of the client. */
export function isZooKeeperError(error: unknown, ...codes: readonly ZooKeeperErrorCode[]): error is ZooKeeperError {
  return error instanceof ZooKeeperError && (codes.length === 0 || codes.includes(error.code));
}

/** What was found cannot be in the store that was verified: nothing goes on before it has been looked which one is there now. */
export class StrangeStore extends Error {}

/** The connection, the session or the store behind it failed, and not the request: what only reads may be asked again. */
export function isInterruption(error: unknown): boolean {
  return (
    error instanceof StrangeStore || isZooKeeperError(error, "connection-lost", "not-sent", "session-expired", "closed")
  );
}

/** Any error of the store at `url` as one clear OrchestraError; our own pass through. */
export function translateError(error: unknown, url: string): OrchestraError {
  if (isOrchestraError(error)) return error;
  if (error instanceof StrangeStore) return unreachable(url, "another store may be in its place", error);
  if (!isZooKeeperError(error)) {
    return new OrchestraError("bug", `the store ${url} failed: ${messageOf(error)}`, { cause: error });
  }
  switch (error.code) {
    case "no-auth":
      return new OrchestraError(
        "unavailable",
        `the store ${url} does not let these credentials in (${error.message})`,
        {
          hint: "set ORCHESTRA_STORE_USER and ORCHESTRA_STORE_PASSWORD_FILE to those that the store was created with",
          cause: error,
        },
      );
    case "auth-failed":
    case "invalid-acl":
      return new OrchestraError("unavailable", `the store ${url} refuses the credentials: ${error.message}`, {
        hint: "look at ORCHESTRA_STORE_USER and ORCHESTRA_STORE_PASSWORD_FILE",
        cause: error,
      });
    case "too-large":
      return new OrchestraError("invalid", `the store ${url} cannot take this much at once: ${error.message}`, {
        hint: "apply fewer manifests at a time",
        cause: error,
      });
    case "protocol":
      return new OrchestraError("unavailable", `the store ${url} cannot be used: ${error.message}`, {
        hint: "give the address of ZooKeeper's client port, as zk://host:2181/orchestra; zks:// where it speaks TLS",
        cause: error,
      });
    case "unimplemented":
      return new OrchestraError("unavailable", `the store ${url} cannot be used: ${error.message}`, {
        hint: "ZooKeeper 3.6 or newer is needed",
        cause: error,
      });
    default:
      return unreachable(url, error.message, error);
  }
}

export function unreachable(url: string, reason: string, cause?: unknown): OrchestraError {
  return new OrchestraError("unavailable", `the store ${url} cannot be used now: ${reason}`, {
    hint: "containers and names go on meanwhile; orchestra doctor looks at each server",
    cause,
  });
}

export function closedStore(url: string): OrchestraError {
  return new OrchestraError("unavailable", `the store ${url} has been closed`);
}

/** Nothing of ours is there any more. */
export function removedStore(url: string): OrchestraError {
  return new OrchestraError("unavailable", `the store ${url} has been removed under this process`, {
    hint: "put it back; what runs goes on meanwhile",
  });
}

/** What this change was decided on is in another store, or in a later state of this one. */
export function decidedElsewhere(url: string): OrchestraError {
  return new OrchestraError("unavailable", `the store ${url} was replaced while a change of it was under way`, {
    hint: "look at what is there now, and run the command again if it is still wanted",
  });
}

/** The reply to a commit was lost, and what was written since hides whether it was done. */
export function unknownOutcome(url: string, cause: unknown): OrchestraError {
  return new OrchestraError("unavailable", `the store ${url} lost the answer to a commit: it may or may not be done`, {
    hint: "run the command again: it looks at what is there first, and does nothing twice",
    cause,
    details: { outcome: "unknown" },
  });
}

/** There is nothing of ours at this place. */
export function noStore(url: string): OrchestraError {
  return new OrchestraError("not-found", `there is no store at ${url}`, {
    hint: `"orchestra up --store ${shellWord(url)}" creates it`,
    details: { url },
  });
}

export function notAStore(url: string, names: readonly string[]): OrchestraError {
  return new OrchestraError("invalid", `${url} is not an orchestra store: it holds ${names.slice(0, 3).join(", ")}`, {
    hint: "give a path of its own, as zk://host/orchestra",
  });
}
