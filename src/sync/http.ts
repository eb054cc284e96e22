// Answers HTTP questions about one sync: /healthz, /readyz and /metrics. Reads the sync's own figures; writes nothing.
import { createServer, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import type { Log } from "../log.ts";
import { messageOf, OrchestraError } from "../model/errors.ts";
import { type Health, healthOf, readinessOf } from "./health.ts";
import type { Reading } from "./meter.ts";
import { type Address, metricsText } from "./metrics.ts";

export interface Answering {
  readonly url: string;
  close(): Promise<void>;
}

export interface AnsweringOptions {
  readonly address: Address;
  /** Where the port is taken another one will do. */
  readonly anyPort: boolean;
  /** Undefined while there is no sync yet. */
  readonly reading: () => Reading | undefined;
  /** The monotonic clock that the reading's times are of. */
  readonly now: () => number;
  readonly log: Log;
}

/** Whoever asks is nearby and quick. */
const requestLimitMs = 5_000;

/** Throws `unavailable` where nobody can listen there. */
export async function answer({ address, anyPort, reading, now, log }: AnsweringOptions): Promise<Answering> {
  const server = createServer({ requestTimeout: requestLimitMs }, answers(reading, now));
  try {
    await listen(server, address);
  } catch (error) {
    if (!anyPort) throw cannotListen(address, error);
    await listen(server, { ...address, port: 0 }).catch((again: unknown) => {
      throw cannotListen(address, again);
    });
  }
  // Out of file descriptors, say: whoever asks comes again, and the sync goes on.
  server.on("error", (error) => log.warn("health and metrics could not be told", { error: messageOf(error) }));
  const { port } = server.address() as AddressInfo;
  const host = address.host.includes(":") ? `[${address.host}]` : address.host;
  return {
    url: `http://${host}:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function answers(reading: AnsweringOptions["reading"], now: () => number): RequestListener {
  return (request, response) => {
    const told = (type: string, code: number, text: string) => {
      response.writeHead(code, { "content-type": type, "cache-control": "no-store" });
      response.end(request.method === "HEAD" ? undefined : text);
    };
    const health = ({ good, text }: Health) => told("text/plain; charset=utf-8", good ? 200 : 503, `${text}\n`);
    const metrics = (found: Reading | undefined) =>
      found
        ? told("text/plain; version=0.0.4; charset=utf-8", 200, metricsText(found))
        : told("text/plain", 503, "waits for the store\n");
    if (request.method !== "GET" && request.method !== "HEAD") return told("text/plain", 405, "only GET\n");
    switch (request.url?.split("?")[0]) {
      case "/healthz":
        return health(healthOf(reading(), now()));
      case "/readyz":
        return health(readinessOf(reading()));
      case "/metrics":
        return metrics(reading());
      default:
        return told("text/plain", 404, "there are /healthz, /readyz and /metrics\n");
    }
  };
}

function listen(server: Server, { host, port }: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, host, () => {
      server.off("error", reject);
      resolve();
    });
  });
}

function cannotListen({ host, port }: Address, cause: unknown): OrchestraError {
  const isTaken = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE";
  const why = isTaken ? "another process listens there" : messageOf(cause);
  return new OrchestraError("unavailable", `health and metrics cannot be told on ${host}:${port}: ${why}`, {
    hint: "give another address with --listen (up: --sync-listen); port 0 takes a free one",
    cause,
  });
}
