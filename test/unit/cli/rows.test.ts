import assert from "node:assert/strict";
import { test } from "node:test";
import { commitText, deploymentStatus } from "../../../src/cli/show/columns.ts";
import { describeDeployment, describeNode } from "../../../src/cli/show/describe.ts";
import { descriptionText } from "../../../src/cli/show/describe-text.ts";
import { changesBetween, keyOf, listing, listingText, nameOf, selectionOf } from "../../../src/cli/show/listing.ts";
import { nodeRows, notesOf, staleNote } from "../../../src/cli/show/node-rows.ts";
import type { Observation } from "../../../src/cli/show/observe.ts";
import { deploymentRows, podRows } from "../../../src/cli/show/rows.ts";
import { waitingTexts } from "../../../src/cli/show/waiting.ts";
import { width } from "../../../src/cli/width.ts";
import { statusesKey } from "../../../src/model/keys.ts";
import {
  act,
  builtAt,
  type ClusterFixture,
  type DeploymentFixture,
  documentsOf,
  stateOf,
} from "../../support/builders.ts";

const nowMs = Date.parse(builtAt) + 12 * 60_000;

function observed(fixture: ClusterFixture): Observation {
  const nodes = Object.keys(fixture.nodes ?? { "node-1": {} });
  const away = [...(fixture.absent ?? []), ...(fixture.lost ?? [])];
  const present = new Set(nodes.filter((name) => !away.includes(name)));
  return { state: stateOf(fixture), present, nowMs, syncs: [], leaderlessSyncs: new Set<string>() };
}

const one = (web: DeploymentFixture) => deploymentRows(observed({ deployments: { web } }))[0];
const since = builtAt;

const states: readonly { name: string; web: DeploymentFixture; want: string }[] = [
  { name: "all ready", web: { pods: 2 }, want: "2/2 ready" },
  {
    name: "a pod that crashed after the rollout",
    web: { pods: [{}, { status: { phase: "starting" } }], document: { replicas: 2 } },
    want: "1/2 degraded",
  },
  {
    name: "a rollout under way",
    web: { pods: 1, rollout: { revision: "r2", state: "progressing", since }, document: { revision: "r2" } },
    want: "1/1 progressing",
  },
  {
    name: "a rollout of an earlier revision",
    web: {
      pods: [{ revision: "r1" }],
      rollout: { revision: "r1", state: "failed", since },
      document: { revision: "r2" },
    },
    want: "1/1 progressing",
  },
  {
    name: "a failed rollout",
    web: {
      rollout: { revision: "r2", state: "failed", since, reason: "no progress for 120 s" },
      document: { revision: "r2" },
    },
    want: "1/1 failed: no progress for 120 s",
  },
  { name: "a change nobody has looked at", web: { document: { generation: 2 } }, want: "1/1 waiting for orchestra up" },
  { name: "a deleted one", web: { document: { deleted: act }, pods: [{ stop: "delete" }] }, want: "0/0 deleting" },
  {
    name: "one that was scaled",
    web: { document: { replicas: { file: 1, override: { count: 2, ...act } } } },
    want: "2/2 ready (scaled to 2 by ann, the manifest says 1)",
  },
  {
    name: "one whose count the file says no more",
    web: { document: { replicas: { override: { count: 2, kept: true, ...act } } } },
    want: "2/2 ready (2 replicas kept from the file's last count)",
  },
  { name: "a protected one", web: { document: { protect: true } }, want: "1/1 ready (protected)" },
];
for (const { name, web, want } of states) {
  test(`a Deployment: ${name} is "${want}"`, () => {
    const row = one(web);
    assert.ok(row);
    assert.equal(`${row.ready}/${row.replicas} ${deploymentStatus(row)}`, want);
  });
}

test("a stopping pod counts neither as ready nor as updated", () => {
  const row = one({
    pods: [
      { stop: "rollout", serial: 0 },
      { slot: 0, serial: 1 },
    ],
  });
  assert.deepEqual([row?.ready, row?.updated], [1, 1]);
});

test("pods without a Deployment are listed, so that somebody sees them", () => {
  const fixture = observed({ deployments: { web: { pods: 2 } } });
  const state = { ...fixture.state, deployments: new Map() };
  const [row] = deploymentRows({ ...fixture, state });
  assert.deepEqual([row?.name, row?.state, row?.ready], ["web", "orphaned", 2]);
});

test("a pending pod says what each node lacks, in the scheduler's words", () => {
  const fixture = observed({
    deployments: { big: { pods: [{ node: null }], template: { resources: { memory: "64Gi" } } } },
  });
  const [row] = podRows(fixture, waitingTexts(fixture.state));
  assert.equal(row?.phase, "pending");
  assert.match(row?.reason?.message ?? "", /memory/);
});

test("what an absent worker saw last is marked with its time", () => {
  const fixture = observed({ deployments: { web: {} }, absent: ["node-1"] });
  const [row] = podRows(fixture);
  assert.deepEqual([row?.live, row?.asOf, row?.phase], [false, builtAt, "ready"]);
  assert.equal(staleNote(fixture), "no orchestra up runs on this store; last change 12m ago");
});

test("one absent node of two is named, and nothing is said when all are there", () => {
  const deployments = { web: { pods: [{ node: "a" }, { node: "b" }] } };
  const nodes = { a: {}, b: {} };
  assert.equal(staleNote(observed({ deployments, nodes, absent: ["b"] })), "no worker runs on b (last change 12m ago)");
  assert.equal(staleNote(observed({ deployments, nodes })), undefined);
});

test("how long a node has been absent is told when a master has seen it, and not guessed from its last status", () => {
  const documents = new Map(documentsOf({ nodes: { a: {}, b: {} } }));
  documents.set(statusesKey("b"), { at: builtAt, statuses: [] });
  const unseen = {
    state: stateOf(documents),
    present: new Set(["a"]),
    nowMs,
    syncs: [],
    leaderlessSyncs: new Set<string>(),
  };
  assert.match(listingText(nodeRows(unseen), { nowMs, wide: false, colour: false }), /^b +absent +0 /m);
  assert.equal(nodeRows(unseen)[1]?.since, undefined);
  const seen = observed({ nodes: { a: {}, b: {} }, absent: ["b"] });
  assert.match(listingText(nodeRows(seen), { nowMs, wide: false, colour: false }), /^b +absent for 12m /m);
});

test("a lost node and its pods are told as lost, and a hold is told with every listing while somebody is there", () => {
  const deployments = { web: { pods: [{ node: "a" }, { node: "b" }] } };
  const nodes = { a: {}, b: {} };
  const lost = observed({ deployments, nodes, lost: ["b"], hold: true });
  assert.deepEqual(
    nodeRows(lost).map(({ name, state, since: from }) => [name, state, from]),
    [
      ["a", "present", undefined],
      ["b", "lost", builtAt],
    ],
  );
  const row = podRows(lost).find(({ node: at }) => at === "b");
  assert.deepEqual([row?.phase, row?.ready, row?.reason?.message], ["lost", false, "its node b is lost"]);
  assert.match(notesOf(lost)[1] ?? "", /^the master holds: too many are absent; .* until orchestra nodes forget NODE$/);
  assert.equal(notesOf({ ...lost, present: new Set() }).length, 1);
  assert.match(listingText(nodeRows(lost), { nowMs, wide: false, colour: false }), /^b +lost for 12m /m);
});

test("a silent engine is told of its node, and with every listing, while its worker is there", () => {
  const deployments = { web: { pods: [{ node: "a" }, { node: "b" }] } };
  const silent = observed({ deployments, nodes: { a: {}, b: {} }, engineLost: ["b"] });
  const engine = { since: builtAt, reason: "Docker does not answer", lost: true };
  assert.deepEqual(
    nodeRows(silent).map((row) => row.engine),
    [undefined, engine],
  );
  assert.match(
    listingText(nodeRows(silent), { nowMs, wide: false, colour: false }),
    /^b +present, engine silent for 12m /m,
  );
  assert.deepEqual(notesOf(silent), ["the engine of b has been silent for 12m: Docker does not answer"]);
  const text = descriptionText(describeNode(silent, "b"), { nowMs, colour: false });
  const means = "nothing is started or stopped there, pods that still answer stay in DNS, and its pods get successors";
  assert.match(text, new RegExp(`Engine: +silent for 12m: Docker does not answer; ${means} elsewhere`));
  assert.deepEqual(notesOf({ ...silent, present: new Set(["a"]) }).length, 1, "of who is away nothing is known");
});

test("a node counts its pods and what they reserve, stopping ones too", () => {
  const template = { resources: { cpu: "250m", memory: "64Mi" } };
  const [row] = nodeRows(observed({ deployments: { web: { template, pods: [{}, { stop: "rollout" }] } } }));
  assert.deepEqual([row?.pods, row?.reserved], [2, { cpuMilli: 500, memoryBytes: 128 * 1024 ** 2, pids: 0 }]);
});

const cluster = observed({ deployments: { web: { pods: 2 }, api: {} } });
const selections: readonly [string, readonly string[]][] = [
  ["", ["deployment/api", "deployment/web", "pod/api-0", "pod/web-0", "pod/web-1"]],
  ["pods", ["pod/api-0", "pod/web-0", "pod/web-1"]],
  ["deploy web", ["deployment/web"]],
  ["web", ["deployment/web", "pod/web-0", "pod/web-1"]],
  ["pods web", ["pod/web-0", "pod/web-1"]],
  ["pods web-1", ["pod/web-1"]],
  ["pod/web-1 api", ["deployment/api", "pod/api-0", "pod/web-1"]],
  ["nodes", ["node/node-1"]],
  ["node-1", ["node/node-1"]],
];
for (const [words, want] of selections) {
  test(`get ${words} lists ${want.join(" ")}`, () => {
    const rows = listing(cluster, selectionOf(words.split(" ").filter(Boolean)));
    assert.deepEqual(rows.map(nameOf), want);
  });
}

test("each kind has its table; wide adds columns", () => {
  const rows = listing(cluster, selectionOf([]));
  const lines = listingText(rows, { nowMs, wide: false, colour: false }).split("\n");
  assert.equal(lines[0]?.replace(/ +/g, " "), "DEPLOYMENT READY UPDATED REVISION AGE STATUS");
  assert.equal(lines[4]?.replace(/ +/g, " "), "POD PHASE READY RESTARTS NODE IP AGE REASON");
  assert.match(listingText(rows, { nowMs, wide: true, colour: false }), /ID {2,}REVISION/);
});

test("what came from Git tells its commit: in wide listings, in descriptions and in JSON", () => {
  const commit = { id: "0123456789abcdef", author: "Ann", subject: "web: more replicas" };
  const source = "git:https://example.org/shop.git#main:";
  const told = observed({ deployments: { web: { document: { source, commit } }, api: {} } });
  const rows = listing(told, selectionOf(["deployments"]));
  const wide = listingText(rows, { nowMs, wide: true, colour: false });
  assert.match(wide, /^api .* cli +- +/m);
  assert.match(
    wide,
    /^web .* git:https:\/\/example\.org\/shop\.git#main: +0123456789 by Ann: web: more replicas +ready$/m,
  );
  assert.doesNotMatch(listingText(rows, { nowMs, wide: false, colour: false }), /COMMIT|0123456789 /);
  assert.deepEqual(
    rows.map((row) => row.kind === "Deployment" && row.commit),
    [undefined, commit],
  );
  const description = describeDeployment(told, "web", { failures: [], pending: new Map(), showValues: false });
  const text = descriptionText(description, { nowMs, colour: false });
  assert.match(text, /^Commit: +0123456789 by Ann: web: more replicas$/m);
});

test("a commit without an author or a message says so", () => {
  const id = "0123456789abcdef";
  assert.equal(commitText({ id, author: "", subject: "" }), "0123456789 by nobody named: (no message)");
});

test("in a wide listing long names and subjects are cut, and what follows stays below its header", () => {
  const id = "0123456789abcdef";
  const commits = {
    long: { id, author: "Ann ".repeat(20), subject: "the whole story ".repeat(20) },
    odd: { id, author: "李小龍".repeat(9), subject: "\u{1f680} release" },
    none: undefined,
  };
  const deployments = Object.fromEntries(
    Object.entries(commits).map(([name, commit]) => [name, { document: commit ? { commit } : {} }]),
  );
  const rows = listing(observed({ deployments }), selectionOf(["deployments"]));
  const [header = "", ...lines] = listingText(rows, { nowMs, wide: true, colour: false }).split("\n");
  const at = header.indexOf("STATUS");
  assert.deepEqual(
    lines.map((line) => width(line) - "ready".length),
    lines.map(() => at),
  );
  const [long = "", none = "", odd = ""] = lines;
  assert.match(long, / 0123456789 by Ann Ann Ann Ann…: the whole story the whole story the who… +ready$/);
  assert.match(none, / - +ready$/);
  assert.match(odd, / by 李小龍李小龍李…: \u{1f680} release +ready$/u);
});

test("a pod whose image is pulled shows how far that is", () => {
  const pulling = observed({ deployments: { web: { pods: [{ status: { phase: "pulling", pulled: 40 } }] } } });
  const text = listingText(listing(pulling, selectionOf(["pods"])), { nowMs, wide: false, colour: false });
  assert.match(text, /^web-0 +pulling 40% +no /m);
});

test("a watch tells rows apart by incarnation, and sees no change where only time went by", () => {
  const before = listing(cluster, selectionOf(["pods"]));
  const later = { ...cluster, nowMs: nowMs + 60_000, syncs: [], leaderlessSyncs: new Set<string>() };
  assert.deepEqual(changesBetween(before, listing(later, selectionOf(["pods"]))), []);
  const next = observed({
    deployments: { web: { pods: [{}, { serial: 7, slot: 1 }] }, api: { pods: [{ status: null }] } },
  });
  const changes = changesBetween(before, listing(next, selectionOf(["pods"])));
  const told = changes.map(({ change, item }) => `${change} ${nameOf(item)}`);
  assert.deepEqual(told, ["changed pod/api-0", "added pod/web-1", "removed pod/web-1"]);
  assert.notEqual(keyOf(changes[1]?.item as never), keyOf(changes[2]?.item as never));
});
