// Names of Deployments and images that are none: each told plainly, with what to write instead.
import assert from "node:assert/strict";
import { test } from "node:test";
import { complaints, withSpec } from "../../support/manifests.ts";

const aLabel = "use a DNS label, as web or shop-api";

const names: readonly { name: string; want: string }[] = [
  { name: "Web", want: '"Web" has upper-case letters, and DNS knows no difference; call it web' },
  { name: "a.b", want: '"a.b" has a dot in it, which DNS would read as two labels; call it a-b' },
  { name: "a/b", want: '"a/b" has a slash in it; call it a-b' },
  { name: '"a\\nb"', want: '"a\\nb" has a space, line break or control character in it; call it a-b' },
  { name: '"web\\n"', want: '"web\\n" has a space, line break or control character in it; call it web' },
  { name: "-web", want: '"-web" begins or ends with "-"; call it web' },
  { name: '""', want: `"" is empty; ${aLabel}` },
  { name: '"10"', want: `"10" would be read as an IP address; ${aLabel}` },
  { name: "10", want: `is the number 10, and must be text; ${aLabel}` },
  { name: "ns", want: `"ns" is reserved in DNS; ${aLabel}` },
  {
    name: "__proto__",
    want: '"__proto__" has something else than lower-case letters, digits and "-" in it; call it proto',
  },
  {
    name: "a".repeat(64),
    want: `"${"a".repeat(60)}…" has 64 characters, and may have 53; call it ${"a".repeat(53)}`,
  },
];
for (const { name, want } of names) {
  test(`the name ${name} is told plainly, in both forms`, async () => {
    assert.deepEqual(await complaints(`name: ${name}\nimage: nginx\n`), [`1:7 name: ${want}`]);
    const full = withSpec().replace("{ name: web }", `{ name: ${name} }`);
    assert.deepEqual(await complaints(full), [`3:19 metadata.name: ${want}`]);
  });
}

const example = "write it as nginx:1.27 or registry.example:5000/shop/web:2.1";
const images: readonly { image: string; want?: string }[] = [
  { image: '""', want: `is empty; ${example}` },
  { image: "a b", want: `"a b" has spaces or control characters in it; ${example}` },
  { image: "Nginx", want: '"Nginx" has upper-case letters; image names are lower-case: nginx' },
  { image: "https://a/b", want: '"https://a/b" is a URL; leave out what stands before ://' },
  { image: "a//b", want: `"a//b" has an empty part; ${example}` },
  { image: "a:b:c", want: '"b:c" is no tag; use letters, digits, _, . and -, at most 128' },
  { image: "a@sha256:12", want: '"a@sha256:12" has no proper digest after "@"; write @sha256: and 64 hex digits' },
  { image: "re_g.io/a", want: `"re_g.io" is no registry; ${example}` },
  { image: `registry.example:5000/shop/web_1:2.1-rc.1@sha256:${"a".repeat(64)}` },
  { image: "localhost/a" },
  { image: '"[::1]:5000/a"' },
];
for (const { image, want } of images) {
  test(`the image ${image} is ${want === undefined ? "fine" : "told plainly"}`, async () => {
    const found = await complaints(`name: web\nimage: ${image}\n`);
    assert.deepEqual(found, want === undefined ? [] : [`2:8 image: ${want}`]);
  });
}
