// What a test waits for, unless it says otherwise: two replicas of the builders' Deployment.
import type { Goal } from "../../src/apply/wait.ts";
import { deployment, revisionOf } from "./builders.ts";

export const goal: Goal = {
  name: "web",
  do: "run",
  uid: deployment().uid,
  generation: 1,
  revision: revisionOf(),
  replicas: 2,
  changed: true,
};
