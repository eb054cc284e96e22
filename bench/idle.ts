// What `orchestra up` costs while nothing happens: 50 pods, each asked over HTTP every 10 s. CoreDNS is a process apart and not counted.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startBenchEngine } from "./bench-engine.ts";
import { report, rounds } from "./bench-measure.ts";
import { startBenchOrchestra } from "./bench-orchestra.ts";
import { cpuSeconds, residentMegabytes } from "./bench-process.ts";

/** Long enough for three rounds of probes and a good part of a resync. */
const observedSeconds = rounds(40);

const engine = await startBenchEngine();
try {
  const ours = await startBenchOrchestra(engine, process.pid % 250);
  try {
    const file = join(engine.folder, "idle.yaml");
    await writeFile(
      file,
      `apiVersion: orchestra/v1
kind: Deployment
metadata: { name: idle }
spec:
  replicas: 50
  image: orchestra-demo:1
  ports: [{ name: http, containerPort: 8080 }]
  readiness: { http: { path: /readyz, port: http }, periodSeconds: 10 }
`,
    );
    await ours.cli("apply", "-f", file);
    const status = JSON.parse(await ours.cli("status", "-o", "json")) as {
      readonly up: readonly { readonly pid: number }[];
    };
    const pid = status.up[0]?.pid ?? 0;
    const before = cpuSeconds(pid);
    const position = (await ours.store.list(["deployments"])).position;
    await sleep(observedSeconds * 1000);
    const share = (100 * (cpuSeconds(pid) - before)) / observedSeconds;
    const writes = (await ours.store.list(["deployments"])).position - position;
    report({ what: "idle up with 50 probed pods", unit: "% of a core", ours: share, bound: 1, samples: [share] });
    const resident = residentMegabytes(pid);
    report({ what: "idle up with 50 probed pods", unit: "MB", ours: resident, bound: 120, samples: [resident] });
    report({ what: "idle up with 50 probed pods", unit: "writes", ours: writes, bound: 0, samples: [writes] });
    await ours.cli("delete", "idle", "--yes");
  } finally {
    await ours.close();
  }
} finally {
  await engine.close();
}
