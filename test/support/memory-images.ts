// The demo program for the runtime in memory: the same commands, without a machine.
import type { Program } from "../../src/worker/memory.ts";

const demo: Program = ({ command, args = [] }) => {
  const [program, ...words] = [...(command ?? ["/demo"]), ...args];
  if (program !== "/demo") return undefined;
  const [verb, ...rest] = words;
  if (verb === "exit") return { lines: [], endsWith: Number(rest[0]) };
  if (verb === "echo") return { lines: [rest.join(" ")], endsWith: 0 };
  return { lines: ["listens on :8080"] };
};

export const memoryImages: ReadonlyMap<string, Program> = new Map([["orchestra-demo:1", demo]]);
