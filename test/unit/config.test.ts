import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { readConfig } from "../../src/config.ts";

test("root keeps its state in /var/lib, everybody else where XDG says", () => {
  assert.equal(readConfig({ HOME: "/root" }, 0).stateDir, "/var/lib/orchestra");
  assert.equal(readConfig({ HOME: "/home/ann" }, 1000).stateDir, "/home/ann/.local/state/orchestra");
  assert.equal(readConfig({ HOME: "/home/ann", XDG_STATE_HOME: "/s" }, 1000).stateDir, "/s/orchestra");
});

test("the store is a file in the state folder unless another is named", () => {
  assert.equal(readConfig({ ORCHESTRA_STATE_DIR: "/x" }, 0).storeUrl, "file:/x/store.db");
  assert.equal(readConfig({ ORCHESTRA_STATE_DIR: "/x", ORCHESTRA_STORE: "file:/y.db" }, 0).storeUrl, "file:/y.db");
});

test("an empty variable of other programs counts as one that is not set", () => {
  const config = readConfig({ HOME: "/h", XDG_STATE_HOME: "", DOCKER_HOST: "", DOCKER_CONFIG: "" }, 1000);
  assert.equal(config.stateDir, "/h/.local/state/orchestra");
  assert.equal(config.dockerHost, undefined);
  assert.equal(config.dockerConfigDir, "/h/.docker");
});

const neverEmpty = [
  "ORCHESTRA_STATE_DIR",
  "ORCHESTRA_CACHE_DIR",
  "ORCHESTRA_STORE",
  "ORCHESTRA_STORE_USER",
  "ORCHESTRA_STORE_PASSWORD",
  "ORCHESTRA_STORE_PASSWORD_FILE",
  "ORCHESTRA_STORE_CA_FILE",
  "ORCHESTRA_STORE_CERT_FILE",
  "ORCHESTRA_STORE_KEY_FILE",
  "ORCHESTRA_INSECURE_STORE",
  "ORCHESTRA_NODE",
  "ORCHESTRA_NETWORK_RANGE",
  "ORCHESTRA_DNS_PORT",
  "ORCHESTRA_NODE_LOST_AFTER",
  "ORCHESTRA_LOG_LEVEL",
];
for (const name of neverEmpty) {
  test(`an empty ${name} is refused: the default may be somebody's real cluster`, () => {
    const message = `${name}: "" is no value`;
    assert.throws(() => readConfig({ [name]: "" }, 0), { code: "invalid", message });
  });
}

const accepted = [
  { name: "ORCHESTRA_NODE", value: "web-1", field: "nodeName" },
  { name: "ORCHESTRA_NETWORK_RANGE", value: "10.0.0.0/8", field: "networkRange" },
  { name: "ORCHESTRA_NETWORK_RANGE", value: "192.168.4.0/24", field: "networkRange" },
  { name: "ORCHESTRA_LOG_LEVEL", value: "debug", field: "logLevel" },
  { name: "DOCKER_HOST", value: "unix:///run/user/1000/docker.sock", field: "dockerHost" },
] as const;
for (const { name, value, field } of accepted) {
  test(`${name}=${value} is taken as it is`, () => assert.equal(readConfig({ [name]: value }, 0)[field], value));
}

test("a store on servers is taken as it is, with what is needed to reach it", () => {
  const config = readConfig(
    {
      ORCHESTRA_STORE: "zks://a,b,c/orchestra",
      ORCHESTRA_STORE_USER: "ann",
      ORCHESTRA_STORE_PASSWORD_FILE: "/run/password",
      ORCHESTRA_INSECURE_STORE: "1",
    },
    0,
  );
  assert.equal(config.storeUrl, "zks://a,b,c/orchestra");
  const { user, passwordFile, password, insecure } = config.storeAccess;
  assert.deepEqual(
    { user, passwordFile, password, insecure },
    {
      user: "ann",
      passwordFile: "/run/password",
      password: undefined,
      insecure: true,
    },
  );
});

test("a password in a store's URL is not repeated", () => {
  const read = () => readConfig({ ORCHESTRA_STORE: "zk:ann:secret@host" }, 0);
  assert.throws(
    read,
    (error: Error) => /ORCHESTRA_STORE: .* is no store/.test(error.message) && !/secret/.test(error.message),
  );
});

test("labels of the node are pairs with commas between them", () => {
  const labels = (text: string) => readConfig({ ORCHESTRA_NODE_LABELS: text }, 0).nodeLabels;
  assert.deepEqual(labels(""), {});
  assert.deepEqual(labels("disk=ssd, zone=a,empty="), { disk: "ssd", zone: "a", empty: "" });
});

const refused = [
  ["ORCHESTRA_NODE_LABELS", "disk"],
  ["ORCHESTRA_NODE_LABELS", "=ssd"],
  ["ORCHESTRA_NODE_LABELS", "orchestra.os=linux"],
  ["ORCHESTRA_STATE_DIR", "state"],
  ["ORCHESTRA_CACHE_DIR", "./cache"],
  ["ORCHESTRA_STORE", "/var/lib/store.db"],
  ["ORCHESTRA_STORE", "http://host"],
  ["ORCHESTRA_STORE", "zk:host"],
  ["ORCHESTRA_STORE_PASSWORD_FILE", "password"],
  ["ORCHESTRA_STORE_CA_FILE", "./ca.pem"],
  ["ORCHESTRA_INSECURE_STORE", "yes"],
  ["ORCHESTRA_STORE", "file:"],
  ["ORCHESTRA_NODE", "Web_1"],
  ["ORCHESTRA_NODE", "a/b"],
  ["ORCHESTRA_NODE", "-a"],
  ["ORCHESTRA_NODE_ADDRESS", "host-1"],
  ["ORCHESTRA_NODE_ADDRESS", "127.0.0.1"],
  ["ORCHESTRA_NETWORK_RANGE", "10.42.0.0"],
  ["ORCHESTRA_NETWORK_RANGE", "10.42.0.0/25"],
  ["ORCHESTRA_NETWORK_RANGE", "10.42.1.0/16"],
  ["ORCHESTRA_NETWORK_RANGE", "127.0.0.0/8"],
  ["ORCHESTRA_NETWORK_RANGE", "224.0.0.0/8"],
  ["ORCHESTRA_NETWORK_RANGE", "10.256.0.0/16"],
  ["ORCHESTRA_DNS_PORT", "0"],
  ["ORCHESTRA_NODE_LOST_AFTER", "5"],
  ["ORCHESTRA_DNS_PORT", "65536"],
  ["ORCHESTRA_DNS_PORT", "5e3"],
  ["ORCHESTRA_LOG_LEVEL", "verbose"],
  ["DOCKER_HOST", "ssh://host"],
] as const;
for (const [name, value] of refused) {
  test(`${name}=${value} is refused by name, with what to write`, () => {
    assert.throws(
      () => readConfig({ [name]: value }, 0),
      (error: Error & { code?: string; hint?: string }) =>
        error.code === "invalid" && error.message.startsWith(`${name}: "${value}"`) && (error.hint ?? "").length > 10,
    );
  });
}

test("every setting has its line in docs/settings.md, and every line is a setting", () => {
  const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
  const names = (text: string, pattern: RegExp) =>
    [...new Set([...text.matchAll(pattern)].map(([, name]) => name))].sort();
  assert.deepEqual(
    names(read("docs/settings.md"), /^\| `(ORCHESTRA_[A-Z_]+)`/gm),
    names(read("src/config.ts"), /"(ORCHESTRA_[A-Z_]+)"/g),
  );
});
