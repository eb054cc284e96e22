// `make lab`, as somebody plays with it: started, entered for a command, ended by Ctrl-C; nothing of it is left then, also when that came early.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { globSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { execute } from "../support/cluster.ts";
import { eventually } from "../support/eventually.ts";
import { whyNoLab } from "../support/lab.ts";
import { labTraces, processesOf } from "../support/leftovers.ts";
import { tempFolder } from "../support/temp-folder.ts";

const skip = whyNoLab() ?? false;
const root = fileURLToPath(new URL("../..", import.meta.url));
const withTools = join(root, "scripts", "with-tools.sh");
const limitMs = 120_000;

interface Play {
  readonly folder: string;
  said(): string;
  /** Of its hosts' folders. */
  lab(): string | undefined;
  /** To all of its processes, as a terminal does; resolves with the exit code when it has ended. */
  interrupt(): Promise<number | null>;
}

/** What `make lab hosts=1` runs, with its files in a folder that tells its processes from all others. */
async function play(t: TestContext): Promise<Play> {
  const folder = await tempFolder(t);
  const child: ChildProcess = spawn(withTools, ["node", "scripts/lab.ts", "1"], {
    cwd: root,
    env: { ...process.env, TMPDIR: folder },
    stdio: ["ignore", "pipe", "inherit"],
    detached: true,
  });
  const ended = once(child, "exit");
  t.after(() => {
    for (const pid of processesOf(folder)) process.kill(pid, "SIGKILL");
  });
  let said = "";
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  return {
    folder,
    said: () => said,
    lab: () => globSync("orchestra-lab-*", { cwd: folder })[0],
    async interrupt() {
      process.kill(-(child.pid ?? 0), "SIGINT");
      return (await ended)[0];
    },
  };
}

async function nothingLeft({ folder }: Play, lab = ""): Promise<void> {
  await eventually("its processes are gone", () => processesOf(folder).length === 0);
  assert.deepEqual(readdirSync(folder), []);
  await eventually("its cables and cgroups are gone", () => labTraces(lab).length === 0);
}

test("a lab is entered for a command, a host is cut off and healed, and Ctrl-C leaves nothing", { skip }, async (t) => {
  const lab = await play(t);
  await eventually("it says how to end it", () => lab.said().includes("Ctrl-C ends the lab"), limitMs);
  assert.match(lab.said(), /^web-0 +ready /m);
  const name = lab.lab() ?? assert.fail("no folder");
  const host = join(lab.folder, name, "host-1");
  const { code, stdout, stderr } = await execute(join(host, "enter"), ["orchestra", "get", "nodes"]);
  assert.equal(code, 0, stderr);
  assert.match(stdout, /^host-1 +present/m);
  const cable = () => execute(join(host, "enter"), ["ip", "-br", "link", "show", "eth0"]);
  for (const [command, want] of [
    ["cut", /NO-CARRIER/],
    ["heal", /LOWER_UP/],
  ] as const) {
    assert.equal((await execute(join(host, command), [])).code, 0);
    await eventually(`${command} has been heard`, async () => want.test((await cable()).stdout));
  }
  assert.equal(await lab.interrupt(), 130);
  await nothingLeft(lab, name);
});

test("Ctrl-C while its servers and hosts start leaves nothing either", { skip }, async (t) => {
  const lab = await play(t);
  const name = await eventually("its folder", () => lab.lab(), limitMs);
  await eventually(
    "a server of ZooKeeper",
    () => globSync("orchestra-test-*/*/server.log", { cwd: lab.folder })[0],
    limitMs,
  );
  await lab.interrupt();
  await nothingLeft(lab, name);
});
