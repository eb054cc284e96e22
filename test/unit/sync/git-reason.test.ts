// What git says when it fails, and what people are told of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { gitReason } from "../../../src/sync/git-reason.ts";

const where = "https://example.org/shop.git";
const failed = (stderr: string) =>
  gitReason({ stderr, exitCode: 128, late: false, missing: false, tooMuch: false }, where, "main");

const cases: readonly (readonly [string, RegExp])[] = [
  ["fatal: couldn't find remote ref refs/heads/main", /has no branch main \(a tag is none; .* URL#BRANCH:PATH\); push/],
  ["fatal: could not read Username for 'https://example.org': terminal prompts disabled", /does not let this user in/],
  ["git@example.org: Permission denied (publickey).\nfatal: Could not read from remote repository.", /does not let/],
  ["Host key verification failed.\nfatal: Could not read from remote repository.", /connect to it once with ssh/],
  ["fatal: unable to access 'https://token@example.org/': Could not resolve host: example.org", /host .* is not known/],
  [
    "ssh: Could not resolve hostname example.org: Name or service not known\nfatal: Could not read from remote",
    /host .* is not known/,
  ],
  ["fatal: unable to look up example.org (port 9418) (Name or service not known)", /host .* is not known/],
  [
    "fatal: unable to access 'https://token@example.org/': Failed to connect to example.org port 443",
    /does not answer/,
  ],
  [
    "fatal: unable to access 'https://token@example.org/': The requested URL returned error: 403",
    /does not let this user in/,
  ],
  [
    "fatal: unable to access 'https://token@example.org/': The requested URL returned error: 503",
    /answers with HTTP 503/,
  ],
  [
    "fatal: unable to access 'https://token@example.org/': SSL certificate problem: self-signed certificate",
    /certificate .* is not trusted here; .*http\.sslCAInfo/,
  ],
  [
    "fatal: unable to access 'https://token@example.org/': server certificate verification failed. CAfile: none CRLfile: none",
    /certificate .* is not trusted here/,
  ],
  [
    "fatal: '/srv/shop.git' does not appear to be a git repository\nfatal: Could not read from remote",
    /no Git repository/,
  ],
  ["fatal: detected dubious ownership in repository at '/srv/shop.git'", /safe\.directory/],
  ["fatal: something new about https://token@example.org/shop.git", /^git failed: .* new about https:\/\/example\.org/],
  [
    "fatal: something new about 'https://ann:to@token@other.org/shop.git/'",
    /^git failed: .* 'https:\/\/other\.org\/shop/,
  ],
  ["fatal: something new about 'https://other.org/shop.git?key=token/info'", /^git failed: .* 'https:\/\/other.*\?…'$/],
];
for (const [stderr, message] of cases) {
  test(`${stderr.split("\n")[0]} is told in words`, () => {
    assert.match(failed(stderr), message);
    assert.doesNotMatch(failed(stderr), /token/);
  });
}

test("a git that is missing or takes too long is told", () => {
  const reason = (what: { late: boolean; missing: boolean }) =>
    gitReason({ stderr: "", tooMuch: false, ...what }, where, "main");
  assert.match(reason({ late: false, missing: true }), /git is not installed/);
  assert.match(reason({ late: true, missing: false }), /too long/);
});
