// The client as callers see it: each method is one operation on the session.
import { type MultiDone, multi } from "./multi.ts";
import { type ManyRead, multiRead } from "./multi-read.ts";
import type { Operation } from "./operations.ts";
import * as operations from "./operations.ts";
import type { SessionState, ZooKeeperOptions } from "./options.ts";
import { Paths } from "./paths.ts";
import type { Acl, Created, CreateOptions, NodeData, Op, Stat, WatchEvent, WatchMode } from "./records.ts";
import { Session } from "./session.ts";
import { type Watch, Watches } from "./watches.ts";

/** The `ZooKeeper` of the front door, which makes it: that it is one is told there. */
export class Client {
  readonly #paths: Paths;
  readonly #watches: Watches;
  readonly #session: Session;

  constructor(options: ZooKeeperOptions) {
    const paths = new Paths(options.chroot ?? "", options.credentials?.user);
    this.#paths = paths;
    this.#watches = new Watches(paths, (operation) => this.#session.submit(operation));
    this.#session = new Session(options, {
      onWatchEvent: (type, full) => this.#watches.dispatch(type, full),
      hint: (error) => paths.hint(error),
      watchBodies: (lastZxid) => this.#watches.bodies(lastZxid),
      onOver: () => this.#watches.clear(),
    });
  }

  get ready(): Promise<void> {
    return this.#session.ready;
  }

  get state(): SessionState {
    return this.#session.state;
  }

  get sessionId(): bigint {
    return this.#session.sessionId;
  }

  get sessionTimeoutMs(): number {
    return this.#session.timeoutMs;
  }

  get aliveUntilMs(): number {
    return this.#session.aliveUntilMs;
  }

  onState(listener: (state: SessionState) => void): () => void {
    return this.#session.onState(listener);
  }

  create(path: string, data: Uint8Array, options: CreateOptions): Promise<Created> {
    return this.#run((paths) => operations.create(paths, path, data, options));
  }

  delete(path: string, version: number): Promise<{ zxid: bigint }> {
    return this.#run((paths) => operations.remove(paths, path, version));
  }

  exists(path: string): Promise<Stat | undefined> {
    return this.#run((paths) => operations.exists(paths, path));
  }

  getData(path: string): Promise<NodeData & { zxid: bigint }> {
    return this.#run((paths) => operations.getData(paths, path));
  }

  getMany(paths: readonly string[]): Promise<ManyRead> {
    return this.#run((known) => multiRead(known, paths));
  }

  setData(path: string, data: Uint8Array, version: number): Promise<{ stat: Stat; zxid: bigint }> {
    return this.#run((paths) => operations.setData(paths, path, data, version));
  }

  getChildren(path: string): Promise<{ children: string[]; stat: Stat; zxid: bigint }> {
    return this.#run((paths) => operations.getChildren(paths, path));
  }

  getAcl(path: string): Promise<{ acl: Acl[]; stat: Stat }> {
    return this.#run((paths) => operations.getAcl(paths, path));
  }

  sync(path: string): Promise<{ zxid: bigint }> {
    return this.#run((paths) => operations.sync(paths, path));
  }

  multi(ops: readonly Op[]): Promise<MultiDone> {
    return this.#run((paths) => multi(paths, ops));
  }

  addWatch(path: string, mode: WatchMode, listener: (event: WatchEvent) => void): Promise<Watch> {
    return this.#watches.add(path, mode, listener);
  }

  close(): Promise<void> {
    return this.#session.close();
  }

  /** A path that is none fails like everything else: by the promise. */
  #run<T>(operation: (paths: Paths) => Operation<T>): Promise<T> {
    let made: Operation<T>;
    try {
      made = operation(this.#paths);
    } catch (error) {
      return Promise.reject(error);
    }
    return this.#session.submit(made);
  }
}
