// A registry of images on loopback, as far as `docker pull` asks it: one image, with or without a login. Engines speak plain HTTP to loopback.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { tempFolder } from "./temp-folder.ts";

const run = promisify(execFile);
const manifestType = "application/vnd.docker.distribution.manifest.v2+json";

export interface Registry {
  /** `127.0.0.1:PORT`. */
  readonly address: string;
  /** Under which the image is there. */
  readonly image: string;
  /** How often the image was asked for. */
  pulls(): number;
  /** From now on it hears and says nothing, as a registry far away does for a while. Returns what makes it answer again. */
  stall(): () => void;
}

/** Offers the local image `source`; `login`: `user:password`, asked of everybody who comes. */
export async function startRegistry(t: TestContext, source: string, login?: string): Promise<Registry> {
  const { manifest, blobs } = await readImage(t, source);
  let pulls = 0;
  let isStalled = false;
  const answer = (request: IncomingMessage, response: ServerResponse) => {
    const wanted = login && `Basic ${Buffer.from(login).toString("base64")}`;
    if (wanted && request.headers.authorization !== wanted) {
      return response.writeHead(401, { "www-authenticate": 'Basic realm="test"' }).end();
    }
    const [, what, name = ""] = /^\/v2\/demo\/(manifests|blobs)\/(.+)$/.exec(request.url ?? "") ?? [];
    if (what === undefined) return response.writeHead(request.url === "/v2/" ? 200 : 404).end("{}");
    const found =
      what === "blobs" ? blobs.get(name) : name === "1" || name === digestOf(manifest) ? manifest : undefined;
    if (!found)
      return response.writeHead(404).end('{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}');
    // An engine asks for the tag once, and then by digest for what it does not have.
    if (name === "1") pulls += 1;
    if (isStalled) return;
    const type = what === "blobs" ? "application/octet-stream" : manifestType;
    const head = { "content-type": type, "content-length": found.length, "docker-content-digest": digestOf(found) };
    return response.writeHead(200, head).end(request.method === "HEAD" ? undefined : found);
  };
  const server = createServer(answer).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const image = `${address}/demo:1`;
  t.after(async () => {
    server.closeAllConnections();
    server.close();
    await run("docker", ["image", "rm", "--force", image]).catch(() => {});
  });
  return {
    address,
    image,
    pulls: () => pulls,
    stall() {
      isStalled = true;
      return () => {
        isStalled = false;
      };
    },
  };
}

/** The image as a registry has it: a manifest that names the digests of its configuration and layers. */
async function readImage(t: TestContext, source: string) {
  const folder = await tempFolder(t);
  const saved = join(folder, "image.tar");
  await run("docker", ["save", "--output", saved, source]);
  await run("tar", ["-xf", saved, "-C", folder]);
  const [{ Config, Layers }] = JSON.parse(await readFile(join(folder, "manifest.json"), "utf8"));
  const config = await readFile(join(folder, Config));
  const layers = await Promise.all(
    (Layers as string[]).map(async (path) => gzipSync(await readFile(join(folder, path)), { level: 1 })),
  );
  const describe = (mediaType: string, blob: Buffer) => ({ mediaType, size: blob.length, digest: digestOf(blob) });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: manifestType,
      config: describe("application/vnd.docker.container.image.v1+json", config),
      layers: layers.map((layer) => describe("application/vnd.docker.image.rootfs.diff.tar.gzip", layer)),
    }),
  );
  return { manifest, blobs: new Map([config, ...layers].map((blob) => [digestOf(blob), blob])) };
}

function digestOf(blob: Buffer): string {
  return `sha256:${createHash("sha256").update(blob).digest("hex")}`;
}
