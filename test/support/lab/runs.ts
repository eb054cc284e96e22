// What ran on a host of a lab and when, as its engine tells it: nothing that comes and goes between two looks is missed.

import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import type { Ran } from "../running-laws.ts";
import type { LabHost } from "./host.ts";

export interface RunsRecord {
  ran(): readonly Ran[];
  /** After the host has lost its power, and all that it ran with it, and has been started again. */
  restart(): Promise<void>;
  close(): void;
}

/** One of the engine's events, as far as it is needed. */
interface EngineEvent {
  readonly Action: string;
  readonly timeNano: number;
  readonly Actor: { readonly ID: string; readonly Attributes: Readonly<Record<string, string>> };
}

const podLabel = "orchestra.pod";

/** Begin before anything runs. */
export async function recordRuns(host: LabHost): Promise<RunsRecord> {
  const ran: Ran[] = [];
  const running = new Map<string, string>();
  let events: Readable | undefined;
  const note = (atMs: number) => ran.push({ atMs, host: host.name, pods: [...running.values()] });
  const follow = async () => {
    const filters = { type: ["container" as const], event: ["start", "die"], label: [podLabel] };
    const stream = (await host.docker.getEvents({ filters })) as Readable;
    events = stream;
    const lines = createInterface({ input: stream });
    // An engine that is killed ends in the middle of anything.
    for (const source of [stream, lines]) source.on("error", () => lines.close());
    stream.once("close", () => {
      running.clear();
      note(Date.now());
    });
    lines.on("line", (line) => {
      const { Action, timeNano, Actor } = JSON.parse(line) as EngineEvent;
      if (Action === "start") running.set(Actor.ID, Actor.Attributes[podLabel] ?? "");
      else running.delete(Actor.ID);
      note(Math.floor(timeNano / 1e6));
    });
  };
  await follow();
  return {
    ran: () => ran,
    restart: follow,
    close: () => void events?.destroy(),
  };
}
