// What SQLite and the file system say, as errors that a user can act on.
import { accessSync, constants, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { sqliteCode } from "../kernel-lock.ts";
import { isOrchestraError, messageOf, OrchestraError } from "../model/errors.ts";
import { shellWord } from "../model/shell-word.ts";

/** Primary result codes (sqlite.org/rescode.html); the extended ones carry them in their low byte. */
const sqliteReadOnly = 8;
const sqliteIoError = 10;
const sqliteCorrupt = 11;
const sqliteFull = 13;
const sqliteCannotOpen = 14;
const sqliteNotADatabase = 26;

/** Below this many free bytes a failed write is put down to the full disk: SQLite's own code says only "I/O error" for its shared memory. */
const fullDiskBytes = 64 * 1024;

/** The file is not there, or may not be opened. */
export function cannotOpen(error: unknown): boolean {
  return sqliteCode(error) === sqliteCannotOpen;
}

/** Any error of the store at `path` as one clear OrchestraError; our own pass through. */
export function translateError(error: unknown, path: string): OrchestraError {
  if (isOrchestraError(error)) return error;
  switch (sqliteCode(error)) {
    case sqliteFull:
      return diskFull(path, error);
    case sqliteReadOnly:
      return readOnly(path, error);
    case sqliteNotADatabase:
      return notAStore(path, error);
    case sqliteCorrupt:
      return new OrchestraError("invalid", `the store ${path} is damaged`, {
        hint: "stop orchestra and put a backup in its place; containers run on meanwhile",
        cause: error,
      });
    case sqliteCannotOpen:
      return cannotOpenWhy(path, error);
    case sqliteIoError:
      return diskIsFull(path) ? diskFull(path, error) : ioError(path, error);
    case undefined:
      return fileError(error, path);
    default:
      return new OrchestraError("bug", `the store ${path} failed: ${messageOf(error)}`, { cause: error });
  }
}

/** The file exists and holds something else. */
export function notAStore(path: string, cause?: unknown): OrchestraError {
  return new OrchestraError("invalid", `${path} is not an orchestra store`, {
    hint: "give another path with --store file:PATH",
    cause,
  });
}

/** Written by a newer release than this one. */
export function newerLayout(path: string, found: number, known: number): OrchestraError {
  return new OrchestraError("invalid", `the store ${path} has layout ${found}; this orchestra knows layout ${known}`, {
    hint: "use the newer orchestra that wrote it",
    details: { found, known },
  });
}

/** Someone has written, or been stopped while writing, for longer than anyone should wait. */
export function stillBusy(path: string, seconds: number): OrchestraError {
  return new OrchestraError("unavailable", `another process has been writing to the store ${path} for ${seconds} s`, {
    hint: `find it with "fuser ${shellWord(path)}"; a stopped one goes on after "kill -CONT PID"`,
  });
}

/** What this change was decided on is in another file than the one that is there now. */
export function decidedElsewhere(url: string): OrchestraError {
  return new OrchestraError("unavailable", `the store ${url} was replaced while a change of it was under way`, {
    hint: "look at what is there now, and run the command again if it is still wanted",
  });
}

function fileError(error: unknown, path: string): OrchestraError {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  switch (code) {
    case "EACCES":
    case "EPERM":
      return noPermission(path, error);
    case "EROFS":
      return readOnly(path, error);
    case "ENOSPC":
    case "EDQUOT":
      return diskFull(path, error);
    case "ENOENT":
      return new OrchestraError("unavailable", `the folder of the store ${path} cannot be made`, {
        hint: "give another path with --store file:PATH",
        cause: error,
      });
    case "ENOTDIR":
    case "EEXIST":
      return new OrchestraError("unavailable", `${dirname(path)} is not a folder, so there can be no store in it`, {
        hint: "give another path with --store file:PATH",
        cause: error,
      });
    default:
      return new OrchestraError(
        typeof code === "string" ? "unavailable" : "bug",
        `the store ${path} failed: ${messageOf(error)}`,
        {
          ...(typeof code === "string"
            ? { hint: "look at the disk, or give another path with --store file:PATH" }
            : {}),
          cause: error,
        },
      );
  }
}

function cannotOpenWhy(path: string, cause: unknown): OrchestraError {
  try {
    accessSync(dirname(path), constants.R_OK | constants.W_OK | constants.X_OK);
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    return fileError(error, path);
  }
  return new OrchestraError("unavailable", `the store ${path} cannot be opened`, {
    hint: "it must be a file, in a folder that this user may write to",
    cause,
  });
}

function diskFull(path: string, cause: unknown): OrchestraError {
  return new OrchestraError("unavailable", `the disk under the store ${path} is full`, {
    hint: `make room in ${dirname(path)}; nothing was written, and containers run on meanwhile`,
    cause,
  });
}

function readOnly(path: string, cause: unknown): OrchestraError {
  return new OrchestraError("unavailable", `the store ${path} is read-only`, {
    hint: "mount its file system writable, or run as the user that owns it",
    cause,
  });
}

function noPermission(path: string, cause: unknown): OrchestraError {
  return new OrchestraError("unavailable", `no permission for the store ${path}`, {
    hint: "run as the user that owns it, or give another path with --store file:PATH",
    cause,
  });
}

function ioError(path: string, cause: unknown): OrchestraError {
  return new OrchestraError("unavailable", `the disk under the store ${path} fails: ${messageOf(cause)}`, {
    hint: "look at the kernel's log (dmesg)",
    cause,
  });
}

function diskIsFull(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize < fullDiskBytes;
  } catch {
    return false;
  }
}
