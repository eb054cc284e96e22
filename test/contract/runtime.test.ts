// Docker and the runtime in memory keep the same contract.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import Docker from "dockerode";
import { systemClock } from "../../src/clock.ts";
import { silentLog } from "../../src/log.ts";
import { openDocker } from "../../src/worker/docker.ts";
import { openMemory } from "../../src/worker/memory.ts";
import { memoryImages } from "../support/memory-images.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { demoImage, removeAll } from "../support/worker-lab.ts";
import { runtimeContract } from "./runtime-contract.ts";

runtimeContract("memory", async () => ({
  runtime: openMemory(memoryImages, systemClock),
  network: "orchestra-test",
  image: demoImage,
}));

runtimeContract("docker", async (test) => {
  const cluster = randomBytes(4).toString("hex");
  test.after(() => removeAll(new Docker(), cluster));
  const configFolder = join(await tempFolder(test), "docker");
  const runtime = openDocker({ configFolder, owner: { cluster, node: "node-1" }, log: silentLog });
  return { runtime, network: `orchestra-${cluster}`, image: demoImage };
});
