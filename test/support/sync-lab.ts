// A sync on a real folder and a real store, in this process: what a test writes into the folder, and what the store then says.
import { mkdir, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import type { Limits } from "../../src/apply/guards.ts";
import { type Clock, systemClock } from "../../src/clock.ts";
import { type Log, silentLog } from "../../src/log.ts";
import type { DeploymentDocument } from "../../src/model/deployment.ts";
import { isOrchestraError } from "../../src/model/errors.ts";
import { nameOf, syncControlKey, syncKey } from "../../src/model/keys.ts";
import type { SyncDocument } from "../../src/model/sync.ts";
import { ensureCluster } from "../../src/store/cluster.ts";
import { openEmbedded } from "../../src/store/embedded.ts";
import { put, type Store } from "../../src/store/store.ts";
import { type DirectoryOptions, openDirectory } from "../../src/sync/directory.ts";
import { Reach, type ReachOptions } from "../../src/sync/directory-reach.ts";
import type { Machine } from "../../src/sync/machine.ts";
import { sourceName } from "../../src/sync/source.ts";
import { type Sync, type SyncOptions, startSync } from "../../src/sync/sync.ts";
import { eventually } from "./eventually.ts";
import { tempFolder } from "./temp-folder.ts";

const anything = { count: 1_000_000 };
const unlimited: Limits = { deletions: anything, replacements: anything, affected: anything };

/** A machine under load. */
const limitMs = 30_000;

export interface SyncLabOptions {
  readonly partial?: boolean;
  readonly heals?: boolean;
  readonly adopt?: boolean;
  /** Of the sync and of what it follows a folder by; absent: the system's. */
  readonly clock?: Clock;
  readonly log?: Log;
  /** Absent: what is not about guards may do whatever it likes, but delete everything. */
  readonly limits?: Limits;
  readonly allowForcePush?: boolean;
  readonly watch?: DirectoryOptions["watch"];
  /** This sync's connection to the store; absent: one like the others. */
  readonly connect?: () => Promise<Store>;
  /** Whether the folder answers, where it only seems to be one that hangs. */
  readonly ask?: ReachOptions["ask"];
  /** Runs on another machine: what is at the folder's path there, and who that is. */
  readonly elsewhere?: { readonly folder: string; readonly machine: Machine };
  /** What the sync has for its store: the real one, with some trouble of the test's. */
  readonly through?: (store: Store) => Store;
}

export interface SyncLab {
  /** The folder that is followed, and one beside it on the same disk. */
  readonly folder: string;
  readonly beside: string;
  readonly store: Store;
  readonly source: string;
  /** Starts one on a connection of its own; closed when the test ends. */
  start(options?: SyncLabOptions): Promise<Sync>;
  /** Another connection to the store. */
  open(): Promise<Store>;
  write(name: string, text: string): Promise<void>;
  /** As most editors save: a new file takes the place of the old one. */
  save(name: string, text: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** `name: image` of all Deployments that are not marked as deleted. */
  images(): Promise<Record<string, string>>;
  /** As `sync trigger` does at that time. */
  trigger(at: string): Promise<void>;
  deployment(name: string): Promise<DeploymentDocument | undefined>;
  document(): Promise<SyncDocument | undefined>;
  /** Waits until the store holds just these images. */
  settled(images: Readonly<Record<string, string>>): Promise<void>;
  /** Waits until the sync's own document is so. */
  told(what: string, is: (document: SyncDocument) => boolean): Promise<SyncDocument>;
}

/** A store as it is but for what `others` has in place of its own. */
export function withOthers(store: Store, others: Partial<Store>): Store {
  const own = (name: string | symbol) => {
    const value: unknown = Reflect.get(store, name, store);
    return typeof value === "function" ? value.bind(store) : value;
  };
  return new Proxy(store, { get: (_, name) => Reflect.get(others, name) ?? own(name) });
}

export function manifestText(name: string, image: string, more = ""): string {
  return `apiVersion: orchestra/v1\nkind: Deployment\nmetadata: { name: ${name} }\nspec: { image: "${image}"${more} }\n`;
}

/** Or why the store cannot be asked now: after a fault it is back a little later for one than for the other. */
async function unlessAway(asked: () => Promise<string>): Promise<string> {
  try {
    return await asked();
  } catch (error) {
    if (!isOrchestraError(error, "unavailable")) throw error;
    return error.message;
  }
}

/** What is followed instead of the folder, with a folder of its own to keep things in. */
export type Followed = (state: string, clock: Clock) => Pick<SyncOptions, "follows" | "open">;

/** `connect` opens the store, again and again; absent: an embedded one. */
export async function syncLab(t: TestContext, followed?: Followed, connect?: () => Promise<Store>): Promise<SyncLab> {
  const closers: (() => Promise<unknown>)[] = [];
  // Before the folder goes: who is at work would write there again.
  t.after(async () => {
    for (const close of closers.reverse()) await close();
  });
  const root = await tempFolder(t);
  const folder = join(root, "manifests");
  await mkdir(folder);
  const embedded = () => openEmbedded(join(root, "store.db"), { create: true });
  const open = async (one = connect ?? embedded) => {
    const store = await one();
    closers.push(() => store.close());
    return store;
  };
  const store = await open();
  await ensureCluster(store, { now: systemClock.wall() });
  const git = followed?.(join(root, "state"), systemClock);
  const seen = join(root, "seen");
  const source = git ? sourceName(git.follows) : `dir:lab:${folder}`;
  const place = async (name: string) => {
    const path = join(folder, name);
    await mkdir(dirname(path), { recursive: true });
    return path;
  };
  const images = async () => {
    const snapshot = await store.list(["deployments", "revisions"]);
    const templates = new Map(snapshot.list("revisions").map(({ key, value }) => [nameOf(key), value]));
    const wanted = snapshot.list("deployments").filter(({ value }) => !value.deleted);
    return Object.fromEntries(
      wanted.map(({ key, value }) => {
        const name = nameOf(key);
        return [name, templates.get(`${name}/${value.revision}`)?.image ?? "none"];
      }),
    );
  };
  const document = async () => (await store.read(syncKey(source)))?.value;
  return {
    folder,
    beside: root,
    store,
    source,
    open: () => open(),
    async start(options = {}) {
      const {
        partial = false,
        heals = true,
        adopt = false,
        clock = systemClock,
        log = silentLog,
        limits = unlimited,
        allowForcePush = false,
        watch,
        ask,
        connect: other,
        elsewhere,
        through,
      } = options;
      const { folder: path, machine } = elsewhere ?? { folder, machine: { id: "lab", isShared: true } };
      const opened = await open(other);
      const own = through?.(opened) ?? opened;
      const reach = new Reach({ path, clock, ...(ask ? { ask } : {}) });
      const others = { clock, log, reach, mountsFile: join(seen, "mounts.json"), ...(watch ? { watch } : {}) };
      const sync = startSync({
        store: own,
        ...(git ?? {
          follows: { kind: "directory", node: "lab", path: folder },
          machine,
          open: (wake: () => void) => openDirectory({ path, wake, ...others }),
        }),
        host: "lab",
        address: "127.0.0.1",
        pid: process.pid,
        stateDir: join(seen, elsewhere ? elsewhere.machine.id : ""),
        partial,
        heals,
        adopt,
        limits,
        allowForcePush,
        clock,
        log,
      });
      closers.push(() => sync.close());
      return sync;
    },
    async write(name, text) {
      await writeFile(await place(name), text);
    },
    async save(name, text) {
      const path = await place(name);
      const draft = join(dirname(path), `.${name.split("/").at(-1)}.draft`);
      await writeFile(draft, text);
      await rename(draft, path);
    },
    remove: (name) => rm(join(folder, name), { recursive: true }),
    images,
    async trigger(at) {
      const control = put(syncControlKey(source), { trigger: { by: "ann", at } }, "absent");
      await store.commit({ changes: [control] });
    },
    async deployment(name) {
      return (await store.list(["deployments"])).list("deployments").find(({ key }) => nameOf(key) === name)?.value;
    },
    document,
    async settled(wanted) {
      const text = JSON.stringify(Object.entries(wanted).sort());
      let last = "";
      await eventually(
        `the store holds ${text.slice(0, 500)}`,
        async () => {
          last = await unlessAway(async () => JSON.stringify(Object.entries(await images()).sort()));
          return last === text;
        },
        limitMs,
      ).catch(async (error: Error) => {
        const told = await unlessAway(async () => JSON.stringify(await document()));
        throw new Error(`${error.message}; last: ${last.slice(0, 500)}; sync: ${told}`);
      });
    },
    async told(what, is) {
      let last: SyncDocument | undefined;
      return eventually(
        what,
        async () => {
          last = await document();
          return last && is(last) ? last : undefined;
        },
        limitMs,
      ).catch((error: Error) => {
        throw new Error(`${error.message}; last: ${JSON.stringify(last)}`);
      });
    },
  };
}
