#!/usr/bin/env node
// orchestra straight from its TypeScript sources: Node strips the types, nothing is built.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { main } from "../src/cli/main.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const packageJson = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
await main({ root, commands: "./src/cli/commands", packageJson });
