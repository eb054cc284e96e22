import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fillCorefile, hostResolvers } from "../../../src/dns/corefile.ts";

const settings = {
  zoneFile: "/var/lib/my orchestra/zone",
  gateway: "10.42.7.1",
  gatewayPort: 53,
  localPort: 5300,
  healthPort: 5301,
  readyPort: 5302,
  resolvers: ["10.0.0.2", "10.0.0.3"],
};
const template = readFileSync(new URL("../../../Corefile", import.meta.url), "utf8");

test("the package's Corefile is filled in without a rest", () => {
  const text = fillCorefile(template, settings);
  assert.doesNotMatch(text, /\{\$[A-Z]/);
  assert.match(text, /file "\/var\/lib\/my orchestra\/zone" cluster\.local \{\n\s+reload 250ms/);
  assert.match(text, /cluster\.local:53 \{\n\s+bind 10\.42\.7\.1\n/);
  assert.match(text, /\.:5300 \{\n\s+bind 127\.0\.0\.1\n\s+import ask_resolvers\n/);
  assert.match(text, /forward \. 10\.0\.0\.2 10\.0\.0\.3 \{/);
});

test("nothing is asked outside where the host has no resolver", () => {
  const text = fillCorefile(template, { ...settings, resolvers: [] });
  assert.doesNotMatch(text, /import ask_resolvers/);
  assert.match(text, /import nobody_to_ask/);
});

test("a name in the Corefile that nothing fills in is an error that tells the ones there are", () => {
  assert.throws(() => fillCorefile("bind {$ADDRESS}", settings), { code: "invalid", message: /\{\$ADDRESS\}/ });
});

const resolvers = [
  { name: "as written", conf: "nameserver 10.0.0.2\nnameserver 10.0.0.3\n", want: ["10.0.0.2", "10.0.0.3"] },
  {
    name: "comments, other lines and spaces",
    conf: "# nameserver 1.1.1.1\nsearch a b\n  nameserver\t10.0.0.2 # main\n",
    want: ["10.0.0.2"],
  },
  { name: "IPv6", conf: "nameserver 2001:db8::1\n", want: ["2001:db8::1"] },
  { name: "a resolver of the host's own on loopback", conf: "nameserver 127.0.0.1\n", want: ["127.0.0.1"] },
  {
    name: "behind systemd's stub",
    conf: "nameserver 127.0.0.53\n",
    behind: "nameserver 10.0.0.9\n",
    want: ["10.0.0.9"],
  },
  { name: "the stub itself where nothing is known behind it", conf: "nameserver 127.0.0.53\n", want: ["127.0.0.53"] },
  { name: "twice the same", conf: "nameserver 10.0.0.2\nnameserver 10.0.0.2\n", want: ["10.0.0.2"] },
  { name: "ourselves", conf: "nameserver 10.42.7.1\nnameserver 10.0.0.2\n", want: ["10.0.0.2"] },
  { name: "none", conf: "", want: [] },
  { name: "what is no address", conf: "nameserver evil { }\nnameserver 10.0.0.2 } log {\nnameserver\n", want: [] },
];
for (const { name, conf, behind = "", want } of resolvers) {
  test(`resolvers: ${name}`, () => assert.deepEqual(hostResolvers(conf, behind, ["10.42.7.1"]), want));
}
