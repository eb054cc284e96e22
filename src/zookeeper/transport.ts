// Opens the socket to one server, over TCP or TLS, within a limit; and says in words why it could not.
import { connect as connectTcp, isIP, type Socket } from "node:net";
import { checkServerIdentity, connect as connectTls, type PeerCertificate } from "node:tls";
import type { TlsOptions } from "./options.ts";

export interface Target {
  /** As the user wrote it; certificates are compared with it. */
  readonly host: string;
  readonly address: string;
  readonly port: number;
}

/** Why one server could not be used. `final`: trying it again will not help. */
export class Refusal extends Error {
  readonly final: boolean;

  constructor(reason: string, final = false) {
    super(reason);
    this.final = final;
  }
}

/** `signal` ends the attempt; its reason is what is thrown then. */
export function openSocket(target: Target, tls: TlsOptions | undefined, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const { address, port } = target;
    const socket = tls ? connectTls({ ...tlsOptions(target, tls), host: address, port }) : connectTcp(port, address);
    const settle = (run: () => void) => {
      signal.removeEventListener("abort", onAbort);
      socket.removeListener("error", onError);
      socket.removeListener("close", onClose);
      run();
    };
    const fail = (reason: unknown) =>
      settle(() => {
        socket.on("error", ignore);
        socket.destroy();
        reject(reason);
      });
    const onAbort = () => fail(signal.reason);
    const onError = (error: NodeJS.ErrnoException) => fail(explain(error, tls !== undefined));
    const onClose = () => fail(new Refusal("it closed the connection at once"));
    signal.addEventListener("abort", onAbort, { once: true });
    socket.on("error", onError).on("close", onClose);
    socket.once(tls ? "secureConnect" : "connect", () =>
      settle(() => {
        // From here on whoever uses the socket hears of its end by "close"; "error" only says why.
        socket.setNoDelay(true);
        resolve(socket);
      }),
    );
    if (signal.aborted) onAbort();
  });
}

function tlsOptions({ host }: Target, { ca, cert, key, serverName }: TlsOptions) {
  const name = serverName ?? host;
  return {
    minVersion: "TLSv1.2" as const,
    // An address is no server name in TLS, but the certificate is compared with it all the same.
    ...(isIP(name) ? {} : { servername: name }),
    checkServerIdentity: (_host: string, certificate: PeerCertificate) => checkServerIdentity(name, certificate),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}

const ignore = () => {};

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: "nothing listens there",
  ECONNRESET: "it reset the connection",
  EHOSTUNREACH: "there is no way to this host",
  ENETUNREACH: "there is no way to its network",
  ETIMEDOUT: "it does not answer",
  EPIPE: "it closed the connection",
};

/** Errors of certificates: they stay until somebody changes a file. */
const certificate = /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME|ERR_OSSL|ERR_TLS/;

export function explain(error: NodeJS.ErrnoException, tls: boolean): Refusal {
  const code = error.code ?? "";
  if (tls && code.startsWith("ERR_SSL_")) return new Refusal(`TLS: ${tlsAlert(error)}`, true);
  if (tls && certificate.test(code)) return new Refusal(`TLS: ${error.message}`, true);
  if (tls && code === "ECONNRESET") return new Refusal("it ended the TLS handshake: does it speak TLS on this port?");
  return new Refusal(words[code] ?? error.message);
}

function tlsAlert(error: NodeJS.ErrnoException): string {
  if (error.code === "ERR_SSL_WRONG_VERSION_NUMBER") return "it does not speak TLS on this port";
  // After the handshake Node hands on the library's own line: `400D…:error:0A000412:SSL routines:ssl3_read_bytes:REASON:FILE:LINE:…`.
  const told = /:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/.exec(error.message)?.[1];
  return (error as { reason?: string }).reason ?? told ?? error.message;
}
