// What the figures about stores write: a Deployment's document of the usual size. The same one for every store, so that their figures compare.
import type { DeploymentDocument } from "../src/model/deployment.ts";

export const sampleDocument: DeploymentDocument = {
  uid: "00000000000000a1",
  revision: "0123456789ab",
  history: ["123456789abc", "23456789abcd"],
  replicas: { file: 3 },
  source: "cli",
  manifestHash: "0123456789ab",
  generation: 1,
  created: { by: "ann", at: "2026-01-02T03:04:05.000Z" },
  updated: { by: "ann", at: "2026-01-02T03:04:05.000Z" },
};
