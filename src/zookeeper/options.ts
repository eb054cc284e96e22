// What a client is told when it is made, and what it tells of its session.

export interface ZooKeeperOptions {
  readonly servers: readonly Server[];
  /** "/orchestra": every path given and seen is below it, and "/" is the node itself. "" or absent: none. It is not created by itself. */
  readonly chroot?: string;
  /** What is asked for; the server may give another. */
  readonly sessionTimeoutMs?: number;
  /** How long `ready` waits for the first connection. */
  readonly connectLimitMs?: number;
  /** Scheme "digest". Sent before everything else on every connection. */
  readonly credentials?: Credentials;
  readonly tls?: TlsOptions;
  /** For logs. Holds no secret. */
  readonly onEvent?: (event: SessionEvent) => void;
}

export interface Server {
  /** A name (looked up again before each round of attempts) or an address; IPv6 without brackets. */
  readonly host: string;
  readonly port: number;
}

export interface Credentials {
  readonly user: string;
  readonly password: string;
}

/** PEM texts. Without `ca` the authorities that Node trusts hold. `serverName`: what the certificate must name, if not the host. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
}

export type SessionEvent =
  | { readonly type: "connected"; readonly server: string; readonly sessionId: bigint; readonly timeoutMs: number }
  | { readonly type: "reconnected"; readonly server: string }
  /** One server could not be used; others are tried. */
  | { readonly type: "refused"; readonly server: string; readonly reason: string }
  | { readonly type: "disconnected"; readonly server: string; readonly reason: string }
  | { readonly type: "expired"; readonly reason: string }
  | { readonly type: "closed" };

/** `expired` and `closed` are final: who wants to go on makes a new client, with a new session. */
export type SessionState = "connecting" | "connected" | "disconnected" | "expired" | "closed";
