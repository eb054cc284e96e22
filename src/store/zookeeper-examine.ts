// How the servers of a store are, one by one: for `orchestra doctor`. Reads only.
import { connect as connectPlain, isIP, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { connect as connectTls } from "node:tls";
import { messageOf } from "../model/errors.ts";
import type { StoreAccess } from "../model/store-access.ts";
import type { Acl } from "../zookeeper/records.ts";
import { connectZooKeeper, type TlsOptions } from "../zookeeper/zookeeper.ts";
import { type Access, readAccess } from "./zookeeper-access.ts";
import { commitsPath } from "./zookeeper-paths.ts";
import type { ZooKeeperPlace } from "./zookeeper-url.ts";

export interface ServerFinding {
  readonly server: string;
  /** Why clients cannot use it. */
  readonly problem?: string;
  /** From a request that every server of the ensemble has to agree to, to its answer. */
  readonly answerMs?: number;
  /** As it tells about itself; absent where what stands between lets only clients through: servers themselves always allow it. */
  readonly mode?: string;
}

export interface Findings {
  readonly servers: readonly ServerFinding[];
  /** Who may do what with the store; absent where no server could tell. */
  readonly acl?: readonly Acl[];
  readonly hasCredentials: boolean;
}

type Server = ZooKeeperPlace["servers"][number];

const limitMs = 3_000;

/** Throws `invalid` for settings that cannot be used; whatever servers do is a finding. */
export async function examineServers(place: ZooKeeperPlace, settings: StoreAccess): Promise<Findings> {
  // Looking is allowed where using is not.
  const access = await readAccess(place, { ...settings, insecure: true });
  const all = await Promise.all(place.servers.map((server) => examine(server, place, access)));
  const acl = all.find(({ acl }) => acl !== undefined)?.acl;
  return {
    servers: all.map(({ finding }) => finding),
    ...(acl && { acl }),
    hasCredentials: access.credentials !== undefined || access.tls?.cert !== undefined,
  };
}

async function examine(
  server: Server,
  { chroot }: ZooKeeperPlace,
  { credentials, tls }: Access,
): Promise<{ readonly finding: ServerFinding; readonly acl?: readonly Acl[] }> {
  const name = server.host.includes(":") ? `[${server.host}]:${server.port}` : `${server.host}:${server.port}`;
  const mode = await modeOf(server, tls);
  const shared = { server: name, ...(mode === undefined ? {} : { mode }) };
  const client = connectZooKeeper({
    servers: [server],
    chroot,
    connectLimitMs: limitMs,
    ...(credentials && { credentials }),
    ...(tls && { tls }),
  });
  try {
    await client.ready;
    const start = performance.now();
    await client.sync("/");
    const answerMs = performance.now() - start;
    const acl = await client.getAcl(commitsPath).then(
      (found) => found.acl,
      () => undefined,
    );
    return { finding: { ...shared, answerMs }, ...(acl && { acl }) };
  } catch (error) {
    return { finding: { ...shared, problem: messageOf(error) } };
  } finally {
    await client.close();
  }
}

async function modeOf(server: Server, tls: TlsOptions | undefined): Promise<string | undefined> {
  try {
    return /^Mode: (\w+)$/m.exec(await ask(server, "srvr", tls))?.[1];
  } catch {
    return undefined;
  }
}

/** One of ZooKeeper's four-letter words. */
async function ask({ host, port }: Server, word: string, tls: TlsOptions | undefined): Promise<string> {
  const socket: Socket = tls ? connectTls({ host, port, ...tlsWith(tls, host) }) : connectPlain({ host, port });
  socket.setTimeout(limitMs, () => socket.destroy(new Error("no answer")));
  socket.end(word);
  return text(socket);
}

function tlsWith({ ca, cert, key, serverName }: TlsOptions, host: string) {
  return {
    // Addresses are no names: they are only looked for in the certificate.
    ...(isIP(serverName ?? host) === 0 && { servername: serverName ?? host }),
    ...(ca === undefined ? {} : { ca }),
    ...(cert === undefined ? {} : { cert }),
    ...(key === undefined ? {} : { key }),
  };
}
