// CoreDNS from its published image, for hosts that have no such program. It shares the host's network and is a process there as any other.
import type Docker from "dockerode";
import { jsonLines } from "../json-lines.ts";
import { messageOf, OrchestraError } from "../model/errors.ts";
import { type ProcessRecord, processOf } from "../process-record.ts";

/** Where the engine listens. Absent fields: what DOCKER_HOST says, else the usual socket. */
export interface EngineAddress {
  readonly socketPath?: string;
}

export const publishedImage = "coredns/coredns:1.14.7";

/** A registry that says nothing for so long is lost. A slow one may take hours. */
const standstillMs = 120_000;

export interface PullLimits {
  /** Gives up. */
  readonly signal: AbortSignal;
  /** Absent: as long as the worker waits for an image. */
  readonly standstillMs?: number;
}

/** Pulls the image where it is not there. Throws `unavailable` with what else helps, and the signal's reason once that has fired. */
export async function pullImage(engine: EngineAddress, image: string, limits: PullLimits): Promise<void> {
  const limitMs = limits.standstillMs ?? standstillMs;
  const standstill = new AbortController();
  const timer = setTimeout(() => standstill.abort(), limitMs);
  const options = { abortSignal: AbortSignal.any([limits.signal, standstill.signal]) };
  try {
    const docker = await connect(engine);
    if (await isThere(docker, image, options)) return;
    const stream = await docker.pull(image, options as object);
    await readProgress(stream as AsyncIterable<Buffer>, () => timer.refresh());
  } catch (error) {
    limits.signal.throwIfAborted();
    const why = standstill.signal.aborted ? `nothing came for ${limitMs / 1000} s` : messageOf(error);
    throw new OrchestraError(
      "unavailable",
      `there is no coredns on PATH or in .cache/bin, and its image ${image} cannot be had: ${why}`,
      { hint: "install CoreDNS, or run `make` where there is a Go toolchain", cause: error },
    );
  } finally {
    clearTimeout(timer);
  }
}

/** Until the engine is done; throws what it says is wrong. The client's own reader takes a connection that broke for the end. */
async function readProgress(stream: AsyncIterable<Buffer>, onProgress: () => void): Promise<void> {
  for await (const line of jsonLines(stream)) {
    onProgress();
    const { error } = (line ?? {}) as { readonly error?: string };
    if (error !== undefined) throw new Error(error);
  }
}

/** Starts it on the Corefile in `folder`, which it sees under the same path. */
export async function startContainer(
  engine: EngineAddress,
  image: string,
  folder: string,
  corefile: string,
): Promise<{ readonly id: string; readonly process: ProcessRecord | undefined }> {
  const docker = await connect(engine);
  const container = await docker.createContainer({
    Image: image,
    // The image's own user could not read our state folder.
    User: "0:0",
    Entrypoint: ["/coredns"],
    Cmd: ["-conf", corefile],
    Labels: { "orchestra.dns": folder },
    HostConfig: {
      NetworkMode: "host",
      Binds: [`${folder}:${folder}:ro`],
      LogConfig: { Type: "json-file", Config: { "max-size": "1m", "max-file": "2" } },
    },
  });
  try {
    await container.start();
    const { State } = await container.inspect();
    return { id: container.id, process: processOf(State.Pid) };
  } catch (error) {
    await container.remove({ force: true }).catch(() => {});
    throw error;
  }
}

/** Gone already is fine. */
export async function removeContainer(engine: EngineAddress, id: string): Promise<void> {
  const docker = await connect(engine);
  await docker
    .getContainer(id)
    .remove({ force: true })
    .catch((error: { statusCode?: number }) => {
      if (error.statusCode !== 404) throw error;
    });
}

/** The last line that it wrote. */
export async function lastLineOf(engine: EngineAddress, id: string): Promise<string> {
  const docker = await connect(engine);
  const frame = await docker.getContainer(id).logs({ stdout: true, stderr: true, tail: 1, follow: false });
  return frame.subarray(8).toString("utf8"); // Eight bytes in front say which stream it was.
}

async function isThere(
  docker: Docker,
  image: string,
  options: { readonly abortSignal: AbortSignal },
): Promise<boolean> {
  try {
    await docker.getImage(image).inspect(options as object);
    return true;
  } catch (error) {
    if ((error as { statusCode?: number }).statusCode === 404) return false;
    throw error;
  }
}

/** Loaded only where it is needed. */
async function connect(engine: EngineAddress): Promise<Docker> {
  const { default: Client } = await import("dockerode");
  return new Client({ ...engine });
}
