// Holds the rooms to the laws of docs/architecture.md: who imports whom, who may touch the world outside, and what things are called.
// The tables are the law; a new room, package or exception is a line in them, with its reason.
import assert from "node:assert/strict";
import { basename, dirname } from "node:path";
import { test } from "node:test";
import { type Import, type SourceFile, sourceFiles } from "./support/imports.ts";

/** Files beside the rooms that every loop, adapter and command may use. They use only each other and `model/`. */
const shared = [
  "clock",
  "loop",
  "log",
  "config",
  "durable-file",
  "json-lines",
  "kernel-lock",
  "process-record",
  "role-lock",
  "state-file",
  "state-folder",
  "store-memory",
  "trouble",
  "turn",
];

interface Room {
  /** Read this file first. `model/` has none: each of its files is one noun. */
  readonly frontDoor?: string;
  /** Folders and files of other rooms. The room itself, `model/` and (for files that are not pure) the shared files are always open. */
  readonly mayImport?: readonly string[];
  /** Also any pure file of any room: a preview is the real function. */
  readonly mayImportPure?: true;
  /** A library of its own: not even `model/` and the shared files are open to it. */
  readonly alone?: true;
  /** Files that act: loops, adapters, readers. `docker*` means all files of that technology. Every other file of the room is pure. */
  readonly acts?: readonly string[];
}

const rooms: Readonly<Record<string, Room>> = {
  model: {},
  manifest: { frontDoor: "manifest", acts: ["manifest", "files", "load", "cache", "tree"] },
  store: {
    frontDoor: "store",
    mayImport: ["src/zookeeper/"],
    acts: ["embedded*", "zookeeper*", "open-store", "cluster", "export", "import"],
  },
  zookeeper: {
    frontDoor: "zookeeper",
    alone: true,
    acts: ["zookeeper", "client", "session", "reach", "handshake", "transport", "connection", "pipeline", "heartbeat"],
  },
  controller: { frontDoor: "controller" },
  scheduler: { frontDoor: "scheduler" },
  master: {
    frontDoor: "master",
    mayImport: ["src/store/store.ts", "src/controller/", "src/scheduler/"],
    acts: ["master"],
  },
  worker: {
    frontDoor: "worker",
    mayImport: ["src/store/store.ts"],
    acts: ["worker", "docker*", "memory", "steps", "probe", "identity", "membership", "routing", "routes-linux"],
  },
  dns: { frontDoor: "dns", mayImport: ["src/store/store.ts"], acts: ["dns", "coredns*", "zone-file"] },
  apply: {
    frontDoor: "plan",
    mayImport: ["src/store/store.ts"],
    mayImportPure: true,
    acts: ["commit", "commit-prune", "follow"],
  },
  sync: {
    frontDoor: "sync",
    mayImport: ["src/store/store.ts", "src/apply/", "src/manifest/manifest.ts"],
    mayImportPure: true,
    acts: [
      "sync",
      "pass",
      "ground",
      "writer",
      "teller",
      "claim",
      "election",
      "readiness",
      "http",
      "directory*",
      "mounts",
      "git",
      "git-call",
      "git-lock",
      "git-mirror",
    ],
  },
  cli: {
    frontDoor: "base",
    mayImport: ["src/apply/", "src/manifest/manifest.ts", "src/store/", "src/roles.ts"],
    mayImportPure: true,
    acts: ["*"],
  },
};

/** Which files may load a package or a part of Node that reaches outside the program. What is not listed is forbidden. */
const outside: Readonly<Record<string, readonly string[]>> = {
  "@oclif/core": ["src/cli/"],
  yaml: ["src/manifest/", "src/cli/"],
  pino: ["src/log.ts"],
  chokidar: ["src/sync/directory-watch.ts"],
  dockerode: ["src/worker/docker", "src/dns/coredns-container.ts"],
  "p-limit": ["src/worker/", "src/cli/"],
  "node:sqlite": ["src/store/embedded", "src/kernel-lock"],
};

/** Parts of Node that only compute, and what of them does. */
const computing: Readonly<Record<string, readonly string[] | "all">> = {
  "node:path": "all",
  "node:url": "all",
  "node:util": "all",
  "node:buffer": "all",
  "node:string_decoder": "all",
  "node:crypto": ["createHash", "hash"],
  "node:net": ["isIP", "isIPv4", "isIPv6"],
};

/** What gives another result the next time, or changes something outside. */
const ambient = [
  /\bDate\.now\b/,
  /\bnew Date\(\)/,
  /\bMath\.random\b/,
  /\bperformance\b/,
  /\bprocess\.\w/,
  /\bset(?:Timeout|Interval|Immediate)\(/,
  /\bfetch\(/,
  /\bconsole\./,
];

const files = sourceFiles("src/**/*.ts");
const everything = sourceFiles("{src,test,bench,scripts}/**/*.ts");

const roomOf = (path: string): string | undefined => /^src\/([a-z]+)\//.exec(path)?.[1];
const isShared = (path: string): boolean => shared.some((name) => path === `src/${name}.ts`);

function acts(path: string): boolean {
  const room = roomOf(path);
  if (room === undefined) return true;
  const stem = basename(path, ".ts");
  const patterns = rooms[room]?.acts ?? [];
  return patterns.some((name) => (name.endsWith("*") ? stem.startsWith(name.slice(0, -1)) : stem === name));
}

function mayImport(from: string, { target, typeOnly }: Import): boolean {
  const room = roomOf(from);
  if (from === "src/roles.ts") return true;
  if (room === undefined) return isShared(from) && (isShared(target) || roomOf(target) === "model");
  if (rooms[room]?.alone && roomOf(target) !== room) return false;
  if (roomOf(target) === "model") return true;
  const pure = !acts(from);
  if (roomOf(target) === room) return typeOnly || !(pure && acts(target));
  if (isShared(target)) return typeOnly || !pure;
  const { mayImport: open = [], mayImportPure } = rooms[room] ?? {};
  if (open.some((prefix) => target.startsWith(prefix))) return true;
  return mayImportPure === true && roomOf(target) !== undefined && (typeOnly || !acts(target));
}

function mayLoad(from: string, { target, names, typeOnly }: Import): boolean {
  const listed = outside[target];
  if (listed) return listed.some((prefix) => from.startsWith(prefix));
  if (typeOnly) return target.startsWith("node:");
  const computes = computing[target];
  if (computes === "all") return true;
  if (computes && names.every((name) => computes.includes(name))) return true;
  return target.startsWith("node:") && acts(from);
}

/** Fails with one line for each violation. */
function none(law: string, violations: readonly string[]): void {
  assert.equal(violations.length, 0, `${law}:\n  ${violations.join("\n  ")}`);
}

const each = (check: (file: SourceFile) => readonly string[]): string[] =>
  files.flatMap((file) => check(file).map((what) => `${file.path}: ${what}`));

test("every folder of src/ is a room, with its front door", () => {
  const found = [...new Set(files.map(({ path }) => dirname(path).split("/")[1]).filter((room) => room !== undefined))];
  assert.deepEqual(found.sort(), Object.keys(rooms).sort());
  for (const [room, { frontDoor }] of Object.entries(rooms)) {
    if (frontDoor)
      assert.ok(
        files.some(({ path }) => path === `src/${room}/${frontDoor}.ts`),
        `src/${room}/${frontDoor}.ts`,
      );
  }
});

test("every name in the tables is in use", () => {
  const acting = Object.entries(rooms).flatMap(([room, { acts: names = [] }]) => names.map((name) => ({ room, name })));
  const idle = acting.filter(({ room, name }) => {
    const start = `src/${room}/${name.replace(/\*$/, "")}`;
    return !files.some(({ path }) => (name.endsWith("*") ? path.startsWith(start) : path === `${start}.ts`));
  });
  none(
    "no such file",
    idle.map(({ room, name }) => `src/${room}/${name}`),
  );
  none(
    "no such shared file",
    shared.filter((name) => !files.some(({ path }) => path === `src/${name}.ts`)),
  );
  const used = new Set(files.flatMap(({ imports }) => imports.map(({ target }) => target)));
  none(
    "not imported anywhere",
    Object.keys(outside).filter((name) => !used.has(name)),
  );
});

test("rooms import only what the table opens to them", () => {
  const inside = ({ target }: Import) => target.startsWith("src/");
  const violations = each(({ path, imports }) =>
    imports.filter((one) => inside(one) && !mayImport(path, one)).map(({ target }) => `imports ${target}`),
  );
  none("import laws", violations);
});

test("nothing in src/ imports what is not shipped", () => {
  const shipped = /^(src\/|node:|[@a-z])/;
  const foreign = /^(test|bench|scripts|bin|docs)\//;
  none(
    "not shipped",
    each(({ imports }) =>
      imports.map(({ target }) => target).filter((target) => !shipped.test(target) || foreign.test(target)),
    ),
  );
});

test("only the files that the table names load packages, and only files that act load what reaches outside", () => {
  const external = ({ target }: Import) => !target.startsWith("src/");
  const violations = each(({ path, imports }) =>
    imports
      .filter((one) => external(one) && !mayLoad(path, one))
      .map(({ target, names }) => `loads ${names.join(", ")} of ${target}`),
  );
  none("loading laws", violations);
});

test("pure files have no clock, no random and nothing of the process", () => {
  const violations = each(({ path, code }) =>
    acts(path) ? [] : ambient.flatMap((pattern) => pattern.exec(code)?.[0] ?? []),
  );
  none("decide, then act", violations);
});

test("the environment is read in config.ts only", () => {
  none(
    "process.env",
    each(({ path, code }) => (path !== "src/config.ts" && /\bprocess\.env\b/.test(code) ? ["process.env"] : [])),
  );
});

test("names say what is inside", () => {
  const kebab = /^[a-z0-9]+(-[a-z0-9]+)*(\.test|\.d)?\.ts$/;
  const empty = /^(index|utils?|helpers?|common|misc|shared|types)\b/;
  const bad = everything
    .map(({ path }) => path)
    .filter((path) => !kebab.test(basename(path)) || empty.test(basename(path)));
  none("names", bad);
});

test("files are short enough to be read at once", () => {
  const long = everything
    .map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }))
    .filter(({ lines }) => lines > 300);
  none(
    "at most 300 lines",
    long.map(({ path, lines }) => `${path}: ${lines}`),
  );
});

test("default exports are for oclif's commands only", () => {
  none(
    "default exports",
    each(({ path, code }) =>
      /^export default\b/m.test(code) && !path.startsWith("src/cli/commands/") ? ["export default"] : [],
    ),
  );
});

test("tests mirror the rooms", () => {
  const known = [...Object.keys(rooms), ...shared, "roles"];
  const tests = everything
    .map(({ path }) => path)
    .filter((path) => /^test\/(unit|integration)\/.*\.test\.ts$/.test(path));
  none(
    "no such room",
    tests.filter((path) => {
      const [, , room = "", file] = path.split("/");
      return !known.includes(file === undefined ? room.replace(/\.test\.ts$/, "") : room);
    }),
  );
});
