// Docker's events about our containers and our network, without an end: connects again with back-off, and says when something may have been missed.
import { jsonLines } from "../json-lines.ts";
import type { Log } from "../log.ts";
import { networkName } from "../model/cluster.ts";
import { messageOf } from "../model/errors.ts";
import { type Owner, ownerFilter } from "./docker-container.ts";
import type { Engine } from "./docker-engine.ts";
import type { ContainerChange, RuntimeEvent } from "./runtime.ts";

const backoffFirstMs = 50;
const backoffMaxMs = 1_000;

const kinds: Readonly<Record<string, ContainerChange>> = {
  start: "running",
  die: "exited",
  destroy: "gone",
  health_status: "health",
  pause: "paused",
  unpause: "paused",
  oom: "starved",
};

/** Resolves when `signal` fires. */
export async function watchEvents(
  engine: Engine,
  owner: Owner,
  log: Log,
  onEvent: (event: RuntimeEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  let failures = 0;
  while (!signal.aborted) {
    const connection = new AbortController();
    try {
      const { streams } = await engine.clients();
      const abortSignal = AbortSignal.any([signal, connection.signal]);
      const opened = await Promise.all(filtersOf(owner).map((filters) => streams.getEvents({ filters, abortSignal })));
      failures = 0;
      // Only now: a change before this moment is in the listing that follows, a later one is in the streams.
      onEvent({ kind: "gap" });
      await Promise.race(opened.map((stream) => tellAll(stream, onEvent)));
    } catch (error) {
      if (!signal.aborted) log.debug("the stream of Docker's events broke", { error: messageOf(error) });
    }
    // Where one stream has ended, the other one would go on alone.
    connection.abort(new Error("the streams are opened again"));
    if (signal.aborted) return;
    engine.forget();
    if (failures === 0) onEvent({ kind: "lost" });
    await pause(Math.min(backoffFirstMs * 2 ** failures, backoffMaxMs), signal);
    failures += 1;
  }
}

/** A stream for each: an engine does not tell the labels of a network with what happens to it, and one filter counts for all kinds of things. */
function filtersOf(owner: Owner): object[] {
  return [
    { type: ["container"], label: ownerFilter(owner), event: Object.keys(kinds) },
    { type: ["network"], network: [networkName(owner.cluster)], event: ["destroy", "disconnect"] },
  ];
}

async function tellAll(stream: NodeJS.ReadableStream, onEvent: (event: RuntimeEvent) => void): Promise<void> {
  for await (const line of jsonLines(stream as AsyncIterable<Buffer>)) {
    const event = plainEvent(line as EngineEvent);
    if (event) onEvent(event);
  }
}

interface EngineEvent {
  readonly Type?: string;
  readonly Action?: string;
  readonly Actor?: { readonly ID?: string; readonly Attributes?: { readonly container?: string } };
}

function plainEvent(event: EngineEvent): RuntimeEvent | undefined {
  if (event.Type === "network") return networkEvent(event);
  // `health_status: healthy` carries its news in the action's name.
  const to = kinds[event.Action?.split(":")[0] ?? ""];
  const container = event.Actor?.ID;
  return to === undefined || container === undefined ? undefined : { kind: "changed", container, to };
}

/** With every end of a container, too; by hand, and nothing else tells that the pod is out of reach. */
function networkEvent({ Action, Actor }: EngineEvent): RuntimeEvent | undefined {
  if (Action === "destroy") return { kind: "network-gone" };
  const container = Actor?.Attributes?.container;
  return container === undefined ? undefined : { kind: "changed", container, to: "disconnected" };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done, { once: true });
  });
}
