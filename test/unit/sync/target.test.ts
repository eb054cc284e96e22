// What people write for a folder or a branch, and what it means.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Target, targetOf, targetText } from "../../../src/sync/target.ts";

const absolute = (path: string) => (path.startsWith("/") ? path : `/here/${path}`);
const unmoved = (path: string) => (path.startsWith("/") ? path : assert.fail(`${path} is absolute`));
/** The folders that there are. */
const isFolder = (path: string) => path.startsWith("/srv/c#");
const here = { absolute, isFolder };
/** Where it is said again there may be none of them. */
const elsewhere = { absolute: unmoved, isFolder: () => false };
const git = (url: string, branch: string, path: string, shown = url): Target => ({
  kind: "git",
  url,
  shown,
  branch,
  path,
});

const meant: readonly (readonly [string, Target])[] = [
  ["manifests", { kind: "directory", path: "/here/manifests" }],
  ["/srv/manifests", { kind: "directory", path: "/srv/manifests" }],
  ["/srv/c#proj/manifests", { kind: "directory", path: "/srv/c#proj/manifests" }],
  ["dir:/srv/gone#proj/manifests", { kind: "directory", path: "/srv/gone#proj/manifests" }],
  ["dir:a#b", { kind: "directory", path: "/here/a#b" }],
  ["/srv/shop.git#main/deploy", git("/srv/shop.git", "main", "deploy")],
  ["git@example.org:shop.git#main/deploy", git("git@example.org:shop.git", "main", "deploy")],
  ["shop-host:shop.git#main/deploy", git("shop-host:shop.git", "main", "deploy")],
  ["./a:b#main", git("/here/./a:b", "main", "")],
  ["ssh://git@example.org/shop.git#main", git("ssh://git@example.org/shop.git", "main", "")],
  ["https://example.org/shop.git#feature/x:deploy/a/", git("https://example.org/shop.git", "feature/x", "deploy/a")],
  ["https://token@example.org/s#main", git("https://token@example.org/s", "main", "", "https://example.org/s")],
  ["https://a@b@example.org/s#main", git("https://a@b@example.org/s", "main", "", "https://example.org/s")],
  ["https://example.org:8443/@ann/s#main", git("https://example.org:8443/@ann/s", "main", "")],
  ["ssh://git@[::1]:2222/s#main", git("ssh://git@[::1]:2222/s", "main", "")],
  ["../shop.git#main/deploy", git("/here/../shop.git", "main", "deploy")],
  ["file:///srv/shop.git#main/a/b", git("file:///srv/shop.git", "main", "a/b")],
];
for (const [text, target] of meant) {
  test(`${text} is understood, and said again wherever that may be`, () => {
    assert.deepEqual(targetOf(text, here), target);
    assert.deepEqual(targetOf(targetText(target), elsewhere), target);
  });
}

const refused: readonly (readonly [string, RegExp])[] = [
  ["--upload-pack=touch#main", /no place of a Git repository/],
  ["", /the name of the folder is empty/],
  ["dir:", /the name of the folder is empty/],
  ["#main", /no place of a Git repository/],
  ["https://example.org/shop.git", /no branch is named/],
  ["shop.git#", /no branch is named/],
  ["shop.git#--exec/deploy", /no name of a branch/],
  ["shop.git#a..b:deploy", /no name of a branch/],
  ["shop.git#main/../../etc", /no folder within a repository/],
  ["https://ann:secret@example.org/shop.git#main", /has a password in it/],
  ["https://ann:a@secret@example.org/shop.git#main", /has a password in it/],
  ["https://a@b:secret@example.org/shop.git#main", /has a password in it/],
  ["https://ann:12#secret@example.org/shop.git#main", /has a password in it/],
  ["https://ann:se/secret@example.org/shop.git#main", /no number, or a password in it/],
  ["ssh://ann:secret@example.org/shop.git#main", /has a password in it/],
  ["ann:secret@example.org:shop.git#main", /has a password in it/],
  ["https://ghp_secret0@example.org/shop.git#main", /has an access token in it/],
  ["https://9secret0123456789secret0123456789@example.org/shop.git#main", /has an access token in it/],
  ["glpat-secret@example.org:shop.git#main", /has an access token in it/],
  ["https://example.org/shop.git?private_token=secret#main", /has a query in it/],
];
for (const [text, message] of refused) {
  test(`${text} is refused`, () => {
    assert.throws(
      () => targetOf(text, here),
      (error: Error) => message.test(error.message) && !error.message.includes("secret"),
    );
  });
}
