// The store on a ZooKeeper ensemble, for many machines. One node for each document, below the chroot of the URL (`zookeeper-paths.ts`).
// Talks to the servers; reads and writes nothing on this machine.
import type { Log } from "../log.ts";
import type { ClusterDocument } from "../model/cluster.ts";
import type { Key } from "../model/keys.ts";
import { type Acl, creatorAcl, openAcl } from "../zookeeper/records.ts";
import { type Credentials, connectZooKeeper, type TlsOptions, type ZooKeeper } from "../zookeeper/zookeeper.ts";
import { checkKey, encodeCommit } from "./encode.ts";
import { type Document, makeSnapshot, parseDocument, selectionOf, soundDocument } from "./snapshot.ts";
import {
  type Commit,
  documentBytesLimit,
  type JoinOptions,
  type Leadership,
  type Position,
  type Presence,
  type Selector,
  type Snapshot,
  type Store,
  type Versioned,
  type View,
} from "./store.ts";
import { openView } from "./view.ts";
import type { Committed } from "./zookeeper-attempt.ts";
import { Committer } from "./zookeeper-commit.ts";
import { openElection } from "./zookeeper-election.ts";
import { knownLeaders } from "./zookeeper-leaders.ts";
import { Mirror } from "./zookeeper-mirror.ts";
import { arrange, type Item, itemsOf } from "./zookeeper-operations.ts";
import { openPresence } from "./zookeeper-presence.ts";
import { readDocuments } from "./zookeeper-read.ts";
import { openRecheck } from "./zookeeper-recheck.ts";
import { writeRevisions } from "./zookeeper-revisions.ts";
import { openRoot, type Root } from "./zookeeper-root.ts";
import { openSession, type Session } from "./zookeeper-session.ts";
import { formatZooKeeperUrl, type ZooKeeperPlace } from "./zookeeper-url.ts";
import { knownVersions, type Versions } from "./zookeeper-versions.ts";

export interface ZooKeeperStoreOptions {
  readonly place: ZooKeeperPlace;
  readonly create: boolean;
  /** Opens it also while no server can be reached: everything is then `unavailable` until one can. */
  readonly patient?: boolean;
  /** Throws for a cluster that this program must not touch. Asked on every new connection. */
  readonly check: (cluster: ClusterDocument) => void;
  readonly credentials?: Credentials;
  /** PEM texts. */
  readonly tls?: TlsOptions;
  readonly log?: Log;
  /** How often views are compared with the store, whatever its watches tell. */
  readonly recheckMs?: number;
}

/** Of the texts of one commit in all; new revisions are not counted. The servers' own limit leaves as much again for names as it does here. */
const commitBytesLimit = documentBytesLimit;
/** With its new revisions, which may be written before it. */
const allBytesLimit = 64 * 1024 * 1024;
/** How long a process may be out of reach before others take its presence and leadership for gone. */
const sessionTimeoutMs = 4_000;
/** How long whoever opens the store waits for a server before it is told that there is none. */
export const connectLimitMs = 6_000;
/** Who has work to do meanwhile looks again later. */
const patientLimitMs = 2_000;

/** Opens the store; with `create` makes it, and its path, if it is not there. */
export async function openZooKeeper(options: ZooKeeperStoreOptions): Promise<Store> {
  const { place, create, patient = false, credentials, tls, log, check, recheckMs } = options;
  const url = formatZooKeeperUrl(place);
  const acl = credentials || tls?.cert !== undefined ? creatorAcl : openAcl;
  const shared = {
    servers: place.servers,
    sessionTimeoutMs,
    connectLimitMs: patient ? patientLimitMs : connectLimitMs,
    ...(credentials && { credentials }),
    ...(place.tls && { tls: tls ?? {} }),
  };
  const connectOutside = () => connectZooKeeper(shared);
  const root = openRoot({ url, chroot: place.chroot, acl, create, connectOutside, check });
  const session = await openSession({
    url,
    log,
    connect: (onEvent) => connectZooKeeper({ ...shared, chroot: place.chroot, onEvent }),
    verify: (client) => root.verify(client),
    patient,
  });
  return new ZooKeeperStore({ url, chroot: place.chroot, acl, session, root, log, recheckMs });
}

interface Parts {
  readonly url: string;
  readonly chroot: string;
  readonly acl: readonly Acl[];
  readonly session: Session;
  readonly root: Root;
  readonly log: Log | undefined;
  readonly recheckMs: number | undefined;
}

class ZooKeeperStore implements Store {
  readonly url: string;
  readonly commitBytesLimit = commitBytesLimit;
  readonly elect: (name: string, stop: AbortSignal) => Promise<Leadership>;
  readonly isLed: (name: string) => Promise<boolean>;
  readonly join: <T>(key: Key<T>, value: T, options?: JoinOptions<T>) => Promise<Presence>;
  readonly #parts: Parts;
  readonly #versions: Versions = knownVersions();
  readonly #mirror: Mirror;
  readonly #committer: Committer;
  #closing: Promise<void> | undefined;

  constructor(parts: Parts) {
    const { url, chroot, session, acl, root, log, recheckMs } = parts;
    this.url = url;
    this.#parts = parts;
    const leaders = knownLeaders();
    const shared = { url, session, root, acl, versions: this.#versions, leaders, log, recheckMs };
    this.#mirror = new Mirror({
      ...shared,
      recheck: (names, relist) => openRecheck({ session, everyMs: recheckMs, names, relist }),
    });
    this.#committer = new Committer({
      ...shared,
      chroot,
      onDone: (items, committed) => this.#mirror.wrote(this.#written(items, committed), committed.position),
    });
    const { elect, isLed } = openElection(shared);
    this.elect = elect;
    this.isLed = isLed;
    this.join = openPresence(shared);
  }

  async read<T>(key: Key<T>): Promise<Versioned<T> | undefined> {
    checkKey(key);
    const found = await this.#parts.session.read((client) => this.#readOne(client, key));
    return found as Versioned<T> | undefined;
  }

  async list(selectors: readonly Selector[]): Promise<Snapshot> {
    const selection = selectionOf(selectors);
    try {
      return await this.#mirror.follow(selection, (documents, position) =>
        makeSnapshot(selection, documents, position, true),
      );
    } finally {
      this.#mirror.release(selection);
    }
  }

  async view(selectors: readonly Selector[]): Promise<View> {
    const selection = selectionOf(selectors);
    try {
      return await this.#mirror.follow(selection, (documents, position) => {
        const view = openView(selection, documents, position, (closed) => this.#mirror.drop(closed));
        this.#mirror.feed(view);
        return view;
      });
    } catch (error) {
      this.#mirror.release(selection);
      throw error;
    }
  }

  async commit(commit: Commit): Promise<Position> {
    const { chroot, acl, session } = this.#parts;
    const items = itemsOf(encodeCommit(commit, allBytesLimit), commit.checks ?? []);
    if (items.length === 0 && commit.epoch === undefined) return this.#committer.position();
    const { first, rest } = arrange(items, chroot, acl);
    const write = async (some: readonly Item[]) => {
      const committed = await this.#committer.write(some, commit.epoch);
      await this.#mirror.shown(
        some.map(({ key }) => key),
        committed.position,
      );
      return committed;
    };
    const made = await writeRevisions(first, write, session);
    const { position } = await write(rest.map((item) => made.get(item.key) ?? item));
    return position;
  }

  /** Whoever closes it again waits for the same end. */
  close(): Promise<void> {
    this.#closing ??= this.#parts.session.close().then(() => this.#mirror.close());
    return this.#closing;
  }

  async #readOne(client: ZooKeeper, key: string): Promise<Document | undefined> {
    // Without it a server that lags behind might not know yet what somebody was told to be done.
    const synced = client.sync("/");
    const [{ found }] = await Promise.all([readDocuments(client, [key], { versions: this.#versions }), synced]);
    return soundDocument(found.get(key), this.url);
  }

  /** What views have to show of a commit; what they do not follow is not worth parsing. */
  #written(items: readonly Item[], { version }: Committed): [string, Document | undefined][] {
    // The answer was lost with its connection: everything is listed again anyhow.
    if (version === undefined) return [];
    const written = items.filter((item) => item.do !== "check" && this.#mirror.covers(item.key));
    return written.map(({ key, json }) => {
      return [key, json === undefined ? undefined : parseDocument(key, version, json)];
    });
  }
}
