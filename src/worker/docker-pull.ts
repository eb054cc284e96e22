// Pulling images: one pull for all pods that want the same image, given up when nothing moves any more.
import { jsonLines } from "../json-lines.ts";
import { isOrchestraError, messageOf } from "../model/errors.ts";
import type { ResolvedTemplate } from "../model/template.ts";
import { registryAuth, withTag } from "./docker-auth.ts";
import type { Engine } from "./docker-engine.ts";
import { failure, pullError, statusOf } from "./docker-errors.ts";

/** A layer that stands still for so long has lost its registry. A slow one may take hours. */
const standstillMs = 120_000;

export type Progress = (percent: number | undefined) => void;

interface Pull {
  readonly done: Promise<void>;
  readonly listeners: Set<Progress>;
  readonly stop: AbortController;
}

export interface Puller {
  pull(template: ResolvedTemplate, onProgress: Progress, signal: AbortSignal): Promise<void>;
}

/** `configFolder`: where the host's Docker login is. */
export function openPuller(engine: Engine, configFolder: string): Puller {
  const running = new Map<string, Pull>();

  const begin = (image: string): Pull => {
    const listeners = new Set<Progress>();
    const stop = new AbortController();
    const onProgress: Progress = (percent) => {
      for (const listener of listeners) listener(percent);
    };
    const done = pullImage(engine, configFolder, image, onProgress, stop.signal).finally(() => leave(image, pull));
    // Everyone may have left before it fails.
    done.catch(() => {});
    const pull = { done, listeners, stop };
    running.set(image, pull);
    return pull;
  };
  const leave = (image: string, pull: Pull) => {
    if (running.get(image) === pull) running.delete(image);
  };

  return {
    async pull(template, onProgress, signal) {
      const image = withTag(template.image);
      if (template.imagePullPolicy !== "Always" && (await isPresent(engine, image))) return;
      if (template.imagePullPolicy === "Never") {
        throw failure("IMAGE_NOT_PRESENT", `image ${image} is not on this node and imagePullPolicy is Never`, false);
      }
      const pull = running.get(image) ?? begin(image);
      pull.listeners.add(onProgress);
      const givenUp = Promise.withResolvers<never>();
      const onAbort = () => givenUp.reject(signal.reason);
      signal.addEventListener("abort", onAbort, { once: true });
      if (signal.aborted) onAbort();
      try {
        await Promise.race([pull.done, givenUp.promise]);
      } finally {
        signal.removeEventListener("abort", onAbort);
        pull.listeners.delete(onProgress);
        if (pull.listeners.size === 0) {
          // Who comes now begins another one: this one is about to fail.
          leave(image, pull);
          pull.stop.abort(new Error("nobody waits for this image any more"));
        }
      }
    },
  };
}

async function isPresent(engine: Engine, image: string): Promise<boolean> {
  return engine
    .call((docker) => docker.getImage(image).inspect())
    .then(
      () => true,
      (error: unknown) => {
        if (isOrchestraError(error, "not-found")) return false;
        throw error;
      },
    );
}

async function pullImage(engine: Engine, configFolder: string, image: string, onProgress: Progress, stop: AbortSignal) {
  const standstill = new AbortController();
  const timer = setTimeout(() => standstill.abort(), standstillMs);
  try {
    const auth = await registryAuth(configFolder, image).catch((error: unknown) => {
      throw failure("IMAGE_PULL_DENIED", messageOf(error), false, error);
    });
    const { streams } = await engine.clients();
    const stream = await streams.pull(image, {
      ...(auth === undefined ? {} : { authconfig: auth }),
      abortSignal: AbortSignal.any([stop, standstill.signal]),
    } as object);
    const layers = new Map<string, { current: number; total: number }>();
    for await (const line of jsonLines(stream as AsyncIterable<Buffer>)) {
      timer.refresh();
      const { error, id, progressDetail } = line as PullLine;
      if (error !== undefined) throw new Error(error);
      if (id !== undefined && progressDetail?.total) {
        layers.set(id, { current: progressDetail.current ?? 0, total: progressDetail.total });
      }
      onProgress(percentOf([...layers.values()]));
    }
  } catch (error) {
    if (standstill.signal.aborted) {
      throw failure("IMAGE_PULL_FAILED", `image ${image}: nothing came for ${standstillMs / 1000} s`, false, error);
    }
    throw statusOf(error) === undefined && error instanceof Error && error.name === "RuntimeFailure"
      ? error
      : pullError(error, image);
  } finally {
    clearTimeout(timer);
  }
}

interface PullLine {
  readonly error?: string;
  readonly id?: string;
  readonly progressDetail?: { readonly current?: number; readonly total?: number };
}

function percentOf(layers: readonly { readonly current: number; readonly total: number }[]): number | undefined {
  const total = layers.reduce((sum, layer) => sum + layer.total, 0);
  if (total === 0) return undefined;
  return Math.floor((100 * layers.reduce((sum, layer) => sum + layer.current, 0)) / total);
}
