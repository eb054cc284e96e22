// A sync that is killed while it prunes, renames and waits for a person, again and again: in the end the store is equal to what it follows,
// nothing was done twice, and nothing went that was there all the time.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { approve } from "../../../src/cli/sync/syncs.ts";
import { isOrchestraError } from "../../../src/model/errors.ts";
import { nameOf } from "../../../src/model/keys.ts";
import { eventually } from "../../support/eventually.ts";
import { gitLab, gitSyncLab } from "../../support/git-lab.ts";
import { memoryCluster } from "../../support/memory-cluster.ts";
import { randomOf, roundsOf, seed } from "../../support/rounds.ts";
import { manifestText, type SyncLab, syncLab } from "../../support/sync-lab.ts";
import { syncProcess } from "../../support/sync-process.ts";

const childProgram = fileURLToPath(new URL("../../support/sync-child.ts", import.meta.url));
const kills = roundsOf({ test: 3, soak: 100 });
/** A start takes some 300 ms here. */
const longestLifeMs = 900;
/** What should be held may be little by now, because nothing of it was stored. */
const heldLimitMs = 5_000;
/** What happens to the files besides changes: many go, one is renamed, one goes and others come. */
const turns = 3;
/** Processes, a master and a worker on a machine under load. */
const limitMs = 60_000;
/** More than this are held: --max-delete is 3 or 20%. */
const many = 5;
const act = { by: "ann", at: "2026-01-02T00:00:00.000Z" };

/** What one sync after another follows, and how one is started. */
interface Source {
  readonly lab: SyncLab;
  /** Makes files of Deployments say another version, or go, all at once. */
  put(versions: ReadonlyMap<string, string | undefined>): Promise<void>;
  start(): Life;
}

interface Life {
  /** It has looked at what there is and has nothing left to do. */
  rests(): Promise<void>;
  kill(): Promise<void>;
}

test(`a folder: killed ${kills} times while files come, change, go and are renamed (seed ${seed})`, async (t) => {
  const lab = await syncLab(t);
  const start = () => {
    const words = [childProgram, `file:${join(lab.beside, "store.db")}`, lab.folder, join(lab.beside, "seen")];
    const child = spawn(process.execPath, words, { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(child, "close");
    t.after(() => child.kill("SIGKILL"));
    let last = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      last = text.trimEnd().split("\n").at(-1) ?? last;
    });
    return {
      rests: async () => void (await eventually("it rests", () => last === "synced", limitMs)),
      async kill() {
        child.kill("SIGKILL");
        await ended;
      },
    };
  };
  const put: Source["put"] = async (versions) => {
    for (const [name, version] of versions) {
      if (version === undefined) await lab.remove(`${name}.yaml`);
      else await lab.save(`${name}.yaml`, textOf(name, version));
    }
  };
  await killedAgainAndAgain(t, { lab, put, start }, "folder");
});

test(`a branch: killed ${kills} times while commits add, change, remove and rename (seed ${seed})`, async (t) => {
  const { remote, push } = await gitLab(t);
  const lab = await gitSyncLab(t, remote);
  const limits = ["--max-affected", "1000", "--max-replace", "1000"];
  const words = [`${remote}#main/deploy`, "--interval", "1s", ...limits];
  const storeUrl = `file:${join(lab.beside, "store.db")}`;
  const start = () => {
    const sync = syncProcess(t, { storeUrl, words, folder: lab.beside });
    return { rests: () => sync.ready(/^200 synced/), kill: () => sync.kill() };
  };
  const put: Source["put"] = async (versions) => {
    const files = [...versions].map(
      ([name, version]) => [`deploy/${name}.yaml`, version === undefined ? undefined : textOf(name, version)] as const,
    );
    await push(Object.fromEntries(files));
  };
  await killedAgainAndAgain(t, { lab, put, start }, "branch");
});

/** Another name with the same version is a Deployment that was renamed. */
function textOf(name: string, version: string): string {
  const more = `, env: { V: "${version}" }, stop: { graceSeconds: 0, drainSeconds: 0 }`;
  return manifestText(name, "orchestra-demo:1", more);
}

async function killedAgainAndAgain(t: TestContext, source: Source, name: string): Promise<void> {
  const { lab } = source;
  const cluster = await memoryCluster(t, `file:${join(lab.beside, "store.db")}`);
  await cluster.host("n1");
  await cluster.master();
  const files = openFiles(source.put, randomOf(`${name}: files`));
  const watched = await watch(lab, files);
  const person = approving(lab, randomOf(`${name}: person`));
  const random = randomOf(`${name}: ends`);
  try {
    await files.add(12);
    const first = source.start();
    await first.rests();
    await first.kill();
    for (let round = 0; round < kills; round += 1) {
      const life = source.start();
      await files.change(round);
      await momentOf(random, { isHeld: round % turns === 0, watched, person });
      await life.kill();
    }
    await compared(source, files, watched);
    assert.ok(person.approvals() > 0, "something was held, and let through");
  } finally {
    await person.end();
    watched.end();
  }
}

/** By the clock, or as one of the first commits is seen, or of those after a person has let something through. */
async function momentOf(
  random: () => number,
  { isHeld, watched, person }: { readonly isHeld: boolean; readonly watched: Watched; readonly person: Person },
): Promise<void> {
  const [way, lifeMs, commits] = [random(), random() * longestLifeMs, Math.floor(random() * 6)];
  if (isHeld) {
    const before = person.approvals();
    await eventually("it is let through", () => person.approvals() > before, heldLimitMs).catch(() => {});
  }
  await Promise.race([pause(lifeMs), ...(way < 0.3 ? [] : [watched.commits(commits)])]);
}

/** One that lives: it brings all to what the files say; and one after it finds nothing to do. */
async function compared({ lab, start }: Source, { tree }: Files, watched: Watched): Promise<void> {
  let last = start();
  const wanted = JSON.stringify([...tree].sort());
  const isEqual = () => watched.stored() === wanted;
  await eventually("the store says what the files say", isEqual, limitMs).catch(async (error: Error) => {
    const told = JSON.stringify(await lab.document());
    throw new Error(`${error.message} ${wanted}; stored: ${watched.stored()}; sync: ${told}`);
  });
  await last.rests();
  assert.deepEqual(watched.broken(), []);
  const versions = async () => {
    const snapshot = await lab.store.list(["deployments", "revisions"]);
    const all = [...snapshot.list("deployments"), ...snapshot.list("revisions")];
    return all.map(({ key, version }) => `${key} ${version}`);
  };
  const before = await versions();
  for (let again = 0; again < 2; again += 1) {
    await last.kill();
    last = start();
    await last.rests();
  }
  assert.deepEqual(await versions(), before, "a restart without a change writes nothing");
}

/** What is followed: which Deployments its files say, in which version, and how often each was changed and removed. */
interface Files {
  readonly tree: ReadonlyMap<string, string>;
  readonly changes: ReadonlyMap<string, number>;
  readonly removals: ReadonlyMap<string, number>;
  add(count: number): Promise<void>;
  /** Some versions, and what it is the round's turn to do. */
  change(round: number): Promise<void>;
}

function openFiles(put: Source["put"], random: () => number): Files {
  const [tree, changes, removals] = [new Map<string, string>(), new Map<string, number>(), new Map<string, number>()];
  let [names, versions] = [0, 0];
  const some = (count: number) => {
    const left = [...tree.keys()];
    return Array.from({ length: count }, () => left.splice(Math.floor(random() * left.length), 1)[0] ?? "");
  };
  const write = async (batch: ReadonlyMap<string, string | undefined>) => {
    // Counted before: it may be stored before the last file is written.
    for (const [name, version] of batch) {
      changes.set(name, (changes.get(name) ?? 0) + 1);
      if (version === undefined) removals.set(name, (removals.get(name) ?? 0) + 1);
      if (version === undefined) tree.delete(name);
      else tree.set(name, version);
    }
    await put(batch);
  };
  const newName = () => `d${names++}`;
  const newVersion = () => `v${versions++}`;
  const gone: string[] = [];
  const files: Files = {
    tree,
    changes,
    removals,
    // Some come back under a name that was there before.
    add: (count) =>
      write(new Map(Array.from({ length: count }, () => [gone.pop() ?? newName(), newVersion()] as const))),
    async change(round) {
      await write(new Map(some(2).map((name) => [name, newVersion()])));
      const turn = round % turns;
      const removed = some(turn === 0 ? many : 1);
      const batch = new Map<string, string | undefined>(removed.map((name) => [name, undefined]));
      if (turn === 1) batch.set(newName(), tree.get(removed[0] ?? "") ?? assert.fail("no file to rename"));
      if (turn !== 1) gone.push(...removed);
      await write(batch);
      if (turn === 2) await files.add(many + 1);
    },
  };
  return files;
}

type Watched = Awaited<ReturnType<typeof watch>>;

/** Looks at every commit that it can see. */
async function watch(lab: SyncLab, { changes, removals }: Files) {
  const view = await lab.store.view(["deployments", "revisions", "syncs"]);
  const broken = new Set<string>();
  /** The highest generation of each Deployment of a name, by its uid. */
  const written = new Map<string, Map<string, number>>();
  const stored = () => {
    const snapshot = view.snapshot();
    const templates = new Map(snapshot.list("revisions").map(({ key, value }) => [nameOf(key), value]));
    const all = snapshot.list("deployments").map(({ key, value }) => {
      const version = templates.get(`${nameOf(key)}/${value.revision}`)?.env?.["V"];
      return [nameOf(key), value.deleted ? `${version}, deleted` : version];
    });
    return JSON.stringify(all.sort());
  };
  view.onChange(() => {
    for (const { key, value } of view.snapshot().list("deployments")) {
      const name = nameOf(key);
      const uids = written.get(name) ?? new Map<string, number>();
      written.set(name, uids.set(value.uid, value.generation));
      const writes = [...uids.values()].reduce((sum, one) => sum + one, 0);
      const [changed, removed] = [changes.get(name) ?? 0, removals.get(name) ?? 0];
      if (writes > changed) broken.add(`${name} was written ${writes} times for ${changed} changes of its file`);
      if (uids.size > 1 + removed) broken.add(`${name} was made anew ${uids.size} times for ${removed} removals`);
      if (value.deleted && removed === 0) broken.add(`${name} was deleted, and its file was always there`);
    }
  });
  return {
    stored,
    broken: () => [...broken],
    end: () => view.close(),
    /** Resolves after so many more. */
    commits: (count: number) =>
      new Promise<void>((resolve) => {
        let left = count;
        const unsubscribe = view.onChange(() => {
          left -= 1;
          if (left > 0) return;
          unsubscribe();
          resolve();
        });
        if (left === 0) resolve();
      }),
  };
}

type Person = ReturnType<typeof approving>;

/** A person who lets everything through, after a while. */
function approving(lab: SyncLab, random: () => number) {
  const stop = new AbortController();
  let approvals = 0;
  const done = (async () => {
    while (!stop.signal.aborted) {
      const token = (await lab.document())?.held?.token;
      try {
        if (token !== undefined) approvals += (await approve(lab.store, token, act)).changed ? 1 : 0;
      } catch (error) {
        // Others were held meanwhile, or none.
        if (!isOrchestraError(error, "not-found") && !isOrchestraError(error, "conflict")) throw error;
      }
      await pause(20 + random() * 100);
    }
  })();
  return {
    approvals: () => approvals,
    async end() {
      stop.abort();
      await done;
    },
  };
}
