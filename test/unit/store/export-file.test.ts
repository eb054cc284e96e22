// The file of an export: what is written is read again as it was, and nothing else is taken for it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { storeLayout } from "../../../src/model/cluster.ts";
import { isOrchestraError } from "../../../src/model/errors.ts";
import { clusterKey, type Key } from "../../../src/model/keys.ts";
import { exportText, movedSelectors, parseExport } from "../../../src/store/export-file.ts";
import { type Document, makeSnapshot, selectionOf, sortDocuments } from "../../../src/store/snapshot.ts";
import { act, builtAt, documentsOf, template } from "../../support/builders.ts";
import { randomOf, rounds, seed } from "../../support/rounds.ts";

const documents = documentsOf({
  deployments: {
    web: { pods: 2, template: template({ env: { TEXT: 'a "quoted"\nline, ü and \u2028' } }) },
    api: { pods: [{ stop: "scale-down" }, { node: null }] },
  },
  nodes: { "node-1": {}, "node-2": {} },
});
const about = { exportedAt: builtAt, store: "file:/var/lib/orchestra/store.db", present: ["node-1"] };

function textOf(entries: ReadonlyMap<string, unknown>): string {
  const list = [...entries].map(([key, value]): Document => ({ key: key as Key<unknown>, value, version: 7 }));
  const snapshot = makeSnapshot(selectionOf([...movedSelectors, "presence"]), sortDocuments(list), 42, true);
  return exportText(snapshot, snapshot.get(clusterKey)?.value ?? assert.fail("no cluster"), about);
}

/** Of these lines, with a last line that agrees. */
function sealed(lines: readonly object[]): string {
  const body = lines.map((line) => `${JSON.stringify(line)}\n`).join("");
  const sha256 = createHash("sha256").update(body).digest("hex");
  return `${body}${JSON.stringify({ documents: lines.length - 1, sha256 })}\n`;
}

const text = textOf(documents);
const refused = (file: string, says: RegExp, context?: string) =>
  assert.throws(
    () => parseExport(file, "backup.jsonl"),
    (error) => isOrchestraError(error, "invalid") && says.test(error.message) && /^backup\.jsonl/.test(error.message),
    context,
  );

test("what is exported is read as it was: every document but presence and the election's epoch", () => {
  const {
    header,
    cluster,
    documents: read,
  } = parseExport(textOf(new Map([...documents, ["epoch", { epoch: 9 }]])), "f");
  assert.deepEqual(header, { orchestra: "store export", layout: storeLayout, ...about, position: 42 });
  assert.deepEqual(cluster, documents.get(clusterKey));
  const wanted = [...documents].filter(([key]) => !key.startsWith("presence/") && key !== clusterKey);
  assert.deepEqual(
    read.map(({ key, value }) => [key, value]),
    wanted.sort(([a], [b]) => (a < b ? -1 : 1)),
  );
});

test("one line for each document, sorted: two exports differ in the lines that changed", () => {
  const changed = textOf(new Map([...documents, ["controls/nodes/node-2", { cordoned: act }]]));
  const before = text.split("\n");
  const added = changed.split("\n").filter((line) => !before.includes(line));
  assert.deepEqual(
    added.map((line) => (JSON.parse(line) as { key?: string }).key),
    ["controls/nodes/node-2", undefined],
  );
});

test(`a file that is cut or has a wrong byte anywhere is refused (seed ${seed})`, () => {
  const random = randomOf("damage");
  const bytes = Buffer.from(text);
  const firstLine = bytes.indexOf("\n");
  for (let round = 0; round < 20 * rounds; round += 1) {
    const at = Math.floor(random() * (bytes.length - 1));
    const wrong = Buffer.from(bytes);
    wrong[at] = (wrong[at] ?? 0) ^ (1 << Math.floor(random() * 7));
    const says = at <= firstLine ? /./ : /is damaged|newer/;
    // Within the last line a letter of a name may change and mean nothing.
    if (at < text.lastIndexOf("\n", text.length - 2)) refused(wrong.toString("utf8"), says, `byte ${at}`);
    refused(
      bytes.subarray(0, at).toString("utf8"),
      at <= firstLine ? /is no export|damaged/ : /is damaged/,
      `cut at ${at}`,
    );
  }
});

const [header = {}, first = {}, ...others] = text
  .trimEnd()
  .split("\n")
  .slice(0, -1)
  .map((line) => JSON.parse(line) as object);

const strange: readonly { readonly name: string; readonly file: string; readonly says: RegExp }[] = [
  { name: "an empty file", file: "", says: /is no export of a store/ },
  { name: "a manifest", file: "apiVersion: orchestra/v1\nkind: Deployment\n", says: /is no export of a store/ },
  { name: "JSON of something else", file: "null\n{}\n", says: /is no export of a store/ },
  {
    name: "a newer layout",
    file: sealed([{ ...header, layout: storeLayout + 1 }, first, ...others]),
    says: /layout 2; this orchestra knows layout 1/,
  },
  { name: "no cluster", file: sealed([header, ...others]), says: /second line is not the cluster's/ },
  { name: "a presence", file: sealed([header, first, { key: "presence/a", value: {} }]), says: /:3 .*does not belong/ },
  { name: "an epoch", file: sealed([header, first, { key: "epoch", value: {} }]), says: /:3 .*does not belong/ },
  { name: "a name with dots", file: sealed([header, first, { key: "pods/../x", value: 1 }]), says: /:3 .*cannot name/ },
  { name: "no document", file: sealed([header, first, { name: "web" }]), says: /:3 .*is no document/ },
];
for (const { name, file, says } of strange) test(`${name} is refused`, () => refused(file, says));
