// The host's own Docker login, as `docker login` and credential helpers leave it.
import assert from "node:assert/strict";
import { chmod, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { registryAuth, registryOf, withTag } from "../../../src/worker/docker-auth.ts";
import { tempFolder } from "../../support/temp-folder.ts";

const hub = "https://index.docker.io/v1/";
const images = [
  { image: "nginx", registry: hub, tagged: "nginx:latest" },
  { image: "library/nginx:1.27", registry: hub, tagged: "library/nginx:1.27" },
  { image: "docker.io/library/nginx", registry: hub, tagged: "docker.io/library/nginx:latest" },
  { image: "localhost/app", registry: "localhost", tagged: "localhost/app:latest" },
  { image: "ghcr.example:5000/a/b", registry: "ghcr.example:5000", tagged: "ghcr.example:5000/a/b:latest" },
  { image: "r.example/a@sha256:00", registry: "r.example", tagged: "r.example/a@sha256:00" },
];
for (const { image, registry, tagged } of images) {
  test(`${image} comes from ${registry}`, () => {
    assert.equal(registryOf(image), registry);
    assert.equal(withTag(image), tagged);
  });
}

test("a login is found by registry, a token and a helper too, and none is no error", async (t) => {
  const folder = await tempFolder(t);
  assert.equal(await registryAuth(folder, "nginx"), undefined);
  const helper = join(folder, "docker-credential-orchestratest");
  await writeFile(helper, '#!/bin/sh\nread server\nprintf \'{"Username":"helped","Secret":"%s"}\' "$server"\n');
  await chmod(helper, 0o755);
  const path = process.env["PATH"];
  process.env["PATH"] = `${folder}:${path}`;
  t.after(() => {
    process.env["PATH"] = path;
  });
  const config = {
    auths: {
      [hub]: { auth: Buffer.from("ann:pass:word").toString("base64") },
      "token.example": { identitytoken: "tok" },
    },
    credHelpers: { "helper.example": "orchestratest" },
  };
  await writeFile(join(folder, "config.json"), JSON.stringify(config));
  assert.deepEqual(await registryAuth(folder, "nginx"), { serveraddress: hub, username: "ann", password: "pass:word" });
  assert.deepEqual(await registryAuth(folder, "token.example/a"), {
    serveraddress: "token.example",
    identitytoken: "tok",
  });
  assert.deepEqual(await registryAuth(folder, "helper.example/a"), {
    serveraddress: "helper.example",
    username: "helped",
    password: "helper.example",
  });
  assert.equal(await registryAuth(folder, "other.example/a"), undefined);
  await writeFile(join(folder, "config.json"), "{");
  await assert.rejects(registryAuth(folder, "nginx"), /is not JSON/);
});
