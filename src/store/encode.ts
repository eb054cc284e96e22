// What every adapter checks before it writes anything: keys, sizes, and that a commit names each document once. Pure.
import { OrchestraError } from "../model/errors.ts";
import { collectionOf, epochKey } from "../model/keys.ts";
import { type Commit, documentBytesLimit } from "./store.ts";

/** A change as it goes to disk or over the wire. */
export interface EncodedChange {
  readonly do: "create" | "set" | "remove";
  readonly key: string;
  /** "absent": create. */
  readonly version: number | "absent";
  /** Absent: remove. */
  readonly json?: string;
  /** Of the text. */
  readonly bytes?: number;
}

/** ZooKeeper's znodes and our lock files take such names unescaped; long enough for `revisions/<53>/<12>`, and a file name everywhere. */
const keyForm = /^[a-z]+(?:\/[A-Za-z0-9_][A-Za-z0-9._-]*){0,3}$/;
const keyLengthLimit = 200;

/** Throws `invalid` for anything that is not a document's name. */
export function checkKey(key: string): void {
  if (key.length <= keyLengthLimit && keyForm.test(key)) return;
  throw new OrchestraError("invalid", `${JSON.stringify(key.slice(0, keyLengthLimit))} cannot name a document`, {
    hint: `use letters, digits, ".", "_" and "-" in names, at most ${keyLengthLimit} characters in all`,
  });
}

/** The commit's changes as text, in their order. Throws `invalid` when one of them, or all together, are too large. */
export function encodeCommit(commit: Commit, commitBytesLimit: number): EncodedChange[] {
  for (const check of commit.checks ?? []) checkKey(check.key);
  const seen = new Set<string>();
  let bytes = 0;
  const encoded = commit.changes.map((change): EncodedChange => {
    const { key, version } = change;
    checkKey(key);
    refuseOwn(key);
    if (seen.has(key)) throw new OrchestraError("bug", `a commit changes ${key} twice`);
    seen.add(key);
    if (change.do === "remove") return { do: "remove", key, version };
    const text = encodeText(key, change.value);
    bytes += text.bytes;
    return { do: version === "absent" ? "create" : "set", key, version, json: text.json, bytes: text.bytes };
  });
  if (bytes > commitBytesLimit) throw commitTooLarge(bytes, commitBytesLimit);
  return encoded;
}

export function commitTooLarge(bytes: number, limit: number): OrchestraError {
  return new OrchestraError("invalid", `a commit of ${bytes} bytes is larger than this store takes (${limit})`, {
    hint: "apply fewer manifests at a time",
    details: { bytes, limit },
  });
}

/** A document's value as JSON text. Throws `invalid` when it is too large, `bug` when JSON has no text for it. */
export function encodeValue(key: string, value: unknown): string {
  return encodeText(key, value).json;
}

function encodeText(key: string, value: unknown): { readonly json: string; readonly bytes: number } {
  const json: string | undefined = JSON.stringify(value);
  if (json === undefined) throw new OrchestraError("bug", `${key} has a value that JSON cannot carry`);
  const bytes = Buffer.byteLength(json);
  if (bytes <= documentBytesLimit) return { json, bytes };
  throw new OrchestraError("invalid", `${key} would be ${bytes} bytes; a document may have ${documentBytesLimit}`, {
    hint: "make it smaller, or cut it in two",
    details: { key, bytes, limit: documentBytesLimit },
  });
}

/** The conflict that a commit ends with when `key` is not as it was when the commit was decided. */
export function conflictAt(key: string, expected: number | "absent", found: number | undefined): OrchestraError {
  const what =
    found === undefined
      ? `${key} has been removed meanwhile`
      : expected === "absent"
        ? `${key} exists already`
        : `${key} has been changed meanwhile`;
  return new OrchestraError("conflict", what, {
    hint: "look at it again and repeat the command if you still want the change",
    details: { key, expected, ...(found === undefined ? {} : { found }) },
  });
}

/** The conflict of a leader that writes after another one was elected. */
export function deposed(epoch: number, found: number | undefined): OrchestraError {
  return new OrchestraError(
    "conflict",
    `a newer leader has been elected (epoch ${found ?? "unknown"}, ours is ${epoch})`,
    {
      details: { key: epochKey, expected: epoch, ...(found === undefined ? {} : { found }) },
    },
  );
}

function refuseOwn(key: string): void {
  if (key !== epochKey && !(key.startsWith("presence") && collectionOf(key) === "presence")) return;
  throw new OrchestraError("bug", `${key} is written by ${key === epochKey ? "elect" : "join"} only`);
}
