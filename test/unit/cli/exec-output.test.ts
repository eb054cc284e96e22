import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { ExecOutput } from "../../../src/cli/containers/exec-output.ts";

const prefix = "OCI runtime exec failed: exec failed: unable to start container process: ";

/** What came through, and what ending with `exitCode` threw. */
function said(chunks: readonly string[], exitCode: number) {
  const target = new PassThrough();
  const output = new ExecOutput(target as unknown as NodeJS.WriteStream);
  for (const chunk of chunks) output.write(chunk);
  let error: unknown;
  try {
    output.finish(exitCode, "/nope", "web-0");
  } catch (thrown) {
    error = thrown;
  }
  return { text: String(target.read() ?? ""), error: error as { message?: string; details?: object } | undefined };
}

const refusals = [
  { text: 'exec: "/nope": stat /nope: no such file or directory: unknown', code: 127, message: /no such command/ },
  { text: 'exec: "nope": executable file not found in $PATH: unknown', code: 127, message: /no such command/ },
  { text: 'exec: "/nope": permission denied: unknown', code: 126, message: /cannot be run/ },
  { text: 'exec: "/nope": is a directory: unknown', code: 126, message: /cannot be run/ },
  { text: 'chdir to cwd ("/gone") set in config.json failed: no such file or directory', code: 126, message: /\/gone/ },
];
for (const { text, code, message } of refusals) {
  test(`"${text}" is an error of ours with ${code}`, () => {
    const { text: shown, error } = said([prefix.slice(0, 7), `${prefix.slice(7)}${text}\r\n`], 126);
    assert.equal(shown, "");
    assert.match(error?.message ?? "", message);
    assert.deepEqual(error?.details, { exitCode: code });
  });
}

test("everything else goes through as it is written, byte for byte", () => {
  const cases = [
    { chunks: ["hello\n", "world\n"], code: 0 },
    { chunks: ["OCI", " is an acronym\n"], code: 0 },
    { chunks: ["O"], code: 126 },
    { chunks: [prefix, "said a program that ended well\n"], code: 0 },
    { chunks: [prefix, "x".repeat(10_000)], code: 126 },
    { chunks: [], code: 127 },
  ];
  for (const { chunks, code } of cases)
    assert.deepEqual(said(chunks, code), { text: chunks.join(""), error: undefined });
});
