// The URLs of stores on ZooKeeper.
import assert from "node:assert/strict";
import { test } from "node:test";
import { formatZooKeeperUrl, isLoopback, parseZooKeeperUrl } from "../../../src/store/zookeeper-url.ts";

const accepted = [
  ["zk://a,b,c/orchestra", "zk://a,b,c/orchestra", ["a:2181", "b:2181", "c:2181"], "/orchestra"],
  ["ZK://A:2181, b:99/x/y/", "zk://a,b:99/x/y", ["a:2181", "b:99"], "/x/y"],
  ["zk://host", "zk://host", ["host:2181"], ""],
  ["zk://host/", "zk://host", ["host:2181"], ""],
  ["zks://host:2281,[::1]:7/a", "zks://host,[::1]:7/a", ["host:2281", "::1:7"], "/a"],
  ["zk://[fe80::1]/a", "zk://[fe80::1]/a", ["fe80::1:2181"], "/a"],
] as const;
for (const [url, same, servers, chroot] of accepted) {
  test(`${url} is understood, and written as ${same}`, () => {
    const place = parseZooKeeperUrl(url);
    assert.deepEqual(
      place.servers.map(({ host, port }) => `${host}:${port}`),
      servers,
    );
    assert.equal(place.chroot, chroot);
    assert.equal(formatZooKeeperUrl(place), same);
    assert.deepEqual(parseZooKeeperUrl(same), place);
  });
}

const refused = [
  ["zk:", /names no ZooKeeper server/],
  ["zk:///orchestra", /names no ZooKeeper server/],
  ["zk://a,,b/x", /has an empty host/],
  ["zk://a:0/x", /has "0" where a port/],
  ["zk://a:x/x", /has "x" where a port/],
  ["zk://a:70000/x", /has "70000" where a port/],
  ["zk://a b/x", /no name and no address/],
  ["zk://::1/x", /no name and no address/],
  ["zk://a/x//y", /has a path/],
  ["zk://a/../x", /has a path/],
  ["zk://a/x?timeout=1", /has a path/],
  ["zk://a/zookeeper/quota", /belongs to ZooKeeper/],
] as const;
for (const [url, message] of refused) {
  test(`${url} is refused`, () => assert.throws(() => parseZooKeeperUrl(url), { code: "invalid", message }));
}

test("a password in a URL is refused and not repeated", () => {
  for (const url of ["zk://ann:s3cret@a/x", "zk://s3cret@a", "zks://a,ann:s3cret@b/x"]) {
    assert.throws(
      () => parseZooKeeperUrl(url),
      (error: Error) => /must not hold a password/.test(error.message) && !/s3cret/.test(JSON.stringify(error)),
    );
  }
});

test("only addresses of this machine are loopback", () => {
  const of = (hosts: string) => isLoopback(parseZooKeeperUrl(`zk://${hosts}/x`));
  assert.deepEqual(["localhost", "127.0.0.1,127.8.9.1", "[::1]"].map(of), [true, true, true]);
  assert.deepEqual(["127.0.0.1,10.0.0.1", "127.0.0.1.example.org", "host"].map(of), [false, false, false]);
});
