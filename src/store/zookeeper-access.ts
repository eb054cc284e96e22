// Who we are for ZooKeeper, and whom we trust: credentials and certificates out of files, read when the store is opened.
import { readFile } from "node:fs/promises";
import { messageOf, OrchestraError } from "../model/errors.ts";
import type { StoreAccess } from "../model/store-access.ts";
import type { Credentials, TlsOptions } from "../zookeeper/zookeeper.ts";
import { formatZooKeeperUrl, isLoopback, type ZooKeeperPlace } from "./zookeeper-url.ts";

export interface Access {
  readonly credentials?: Credentials;
  readonly tls?: TlsOptions;
}

/** Throws `invalid` for settings that do not go together, for a file that cannot be read, and where anybody could write the store. */
export async function readAccess(place: ZooKeeperPlace, access: StoreAccess): Promise<Access> {
  const credentials = await readCredentials(access);
  const tls = place.tls ? await readTls(access) : undefined;
  if (!credentials && tls?.cert === undefined && !access.insecure && !isLoopback(place)) {
    throw new OrchestraError(
      "invalid",
      `${formatZooKeeperUrl(place)} would be open to everyone who reaches it, and whoever writes the store can run any image`,
      {
        hint: "set ORCHESTRA_STORE_USER and ORCHESTRA_STORE_PASSWORD_FILE; or, in a network that you trust as a whole, --insecure-store",
      },
    );
  }
  return { ...(credentials && { credentials }), ...(tls && { tls }) };
}

async function readCredentials({ user, password, passwordFile }: StoreAccess): Promise<Credentials | undefined> {
  if (password !== undefined && passwordFile !== undefined) {
    throw new OrchestraError("invalid", "ORCHESTRA_STORE_PASSWORD and ORCHESTRA_STORE_PASSWORD_FILE are both set", {
      hint: "unset one of them",
    });
  }
  const text =
    passwordFile === undefined ? password : (await read("ORCHESTRA_STORE_PASSWORD_FILE", passwordFile)).trimEnd();
  if (user === undefined && text === undefined) return undefined;
  if (user === undefined) throw missing("ORCHESTRA_STORE_USER", "a password for the store is set, and no user");
  if (text === undefined)
    throw missing("ORCHESTRA_STORE_PASSWORD_FILE", "a user for the store is set, and no password");
  if (text === "") throw missing("ORCHESTRA_STORE_PASSWORD_FILE", "the password for the store is empty");
  return { user, password: text };
}

async function readTls({ caFile, certFile, keyFile }: StoreAccess): Promise<TlsOptions> {
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw missing(
      certFile === undefined ? "ORCHESTRA_STORE_CERT_FILE" : "ORCHESTRA_STORE_KEY_FILE",
      "a certificate and its key go together, and only one is set",
    );
  }
  return {
    ...(caFile !== undefined && { ca: await read("ORCHESTRA_STORE_CA_FILE", caFile) }),
    ...(certFile !== undefined && { cert: await read("ORCHESTRA_STORE_CERT_FILE", certFile) }),
    ...(keyFile !== undefined && { key: await read("ORCHESTRA_STORE_KEY_FILE", keyFile) }),
  };
}

async function read(setting: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new OrchestraError("invalid", `${setting}: ${messageOf(error)}`, {
      hint: "give the path of a file that this user may read",
    });
  }
}

function missing(setting: string, problem: string): OrchestraError {
  return new OrchestraError("invalid", problem, { hint: `set ${setting}` });
}
