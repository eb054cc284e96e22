// The host's routes and firewall on Linux, by `ip` and `iptables`. Routes bear our protocol number and the cluster's metric, rules our comment.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { routesIn } from "./network.ts";
import { type Chain, type HostNetwork, type Route, type RouteStep, routeMetric } from "./routes.ts";

const run = promisify(execFile);

/** Who keeps a route, of the numbers that nobody has registered. */
const protocol = "142";
/** Both programs answer at once, but iptables waits for others that change rules. */
const limitMs = 10_000;

const places: Readonly<Record<Chain, readonly [table: string, chain: string]>> = {
  accept: ["filter", "DOCKER-USER"],
  nat: ["nat", "POSTROUTING"],
};

/** Of one cluster. Looking needs no rights for routes, and root for rules; without them there seem to be none. */
export function openLinuxRoutes(cluster: string): HostNetwork {
  const metric = routeMetric(cluster);
  return {
    async taken() {
      const table = await readFile("/proc/net/route", "utf8").catch(() => "");
      const ours = await listRoutes();
      return routesIn(table).flatMap((taken) => {
        const kept = ours.filter(({ range }) => range === taken.range);
        // Another cluster's nodes: a part is taken, as by a bridge.
        if (kept.some((route) => route.metric !== metric)) return [{ ...taken, isBridge: true }];
        return kept.length > 0 && !taken.isBridge ? [] : [taken];
      });
    },
    async look(gateway) {
      const [all, bridge, accept, nat] = await Promise.all([
        listRoutes(),
        interfaceWith(gateway),
        listRules("accept"),
        listRules("nat"),
      ]);
      const routes = all.filter((route) => route.metric === metric).map(({ metric: _ours, ...route }) => route);
      const rules = { ...(accept ? { accept } : {}), ...(nat ? { nat } : {}) };
      return { routes, rules, ...(bridge === undefined ? {} : { bridge }) };
    },
    perform: (step) => perform(step, String(metric)),
  };
}

async function perform(step: RouteStep, metric: string): Promise<void> {
  switch (step.do) {
    case "set-route": {
      const { range, via, from } = step.route;
      return call("ip", "route", "replace", range, "via", via, "src", from, "proto", protocol, "metric", metric);
    }
    case "remove-route":
      return call("ip", "route", "del", step.route.range, "proto", protocol, "metric", metric);
    case "insert-rule":
    case "delete-rule": {
      const [table, chain] = places[step.chain];
      const how = step.do === "insert-rule" ? "-I" : "-D";
      return call("iptables", "-w", "5", "-t", table, how, chain, ...step.rule.split(" "));
    }
    default:
      step satisfies never;
  }
}

/** Throws what the program wrote to its standard error, or that it is not there (ENOENT). */
async function call(program: string, ...words: string[]): Promise<void> {
  try {
    await run(program, words, { timeout: limitMs });
  } catch (error) {
    const { stderr = "", message } = error as { stderr?: string; message: string };
    throw new Error(stderr.trim().replace(/\s+/g, " ") || message, { cause: error });
  }
}

/** What the program wrote; undefined: it is not there, or refuses. */
async function ask(program: string, ...words: string[]): Promise<string | undefined> {
  return run(program, words, { timeout: limitMs }).then(
    ({ stdout }) => stdout,
    () => undefined,
  );
}

/** Those with our protocol number, of every cluster. */
async function listRoutes(): Promise<(Route & { readonly metric: number })[]> {
  const text = (await ask("ip", "-4", "route", "show", "proto", protocol)) ?? "";
  return text.split("\n").flatMap((line) => {
    const [range = "", ...words] = line.trim().split(/\s+/);
    const after = (word: string) => (words.includes(word) ? (words[words.indexOf(word) + 1] ?? "") : "");
    return range === "" ? [] : [{ range, via: after("via"), from: after("src"), metric: Number(after("metric")) }];
  });
}

/** `7: br-0a1b2c3d4e5f    inet 10.42.7.1/24 brd …`. A bridge without containers is down, and has its address all the same. */
async function interfaceWith(address: string): Promise<string | undefined> {
  const text = await ask("ip", "-4", "-o", "addr", "show", "to", `${address}/32`);
  return /^\d+:\s+([^\s@]+)/.exec(text ?? "")?.[1];
}

async function listRules(place: Chain): Promise<string[] | undefined> {
  const [table, chain] = places[place];
  const text = await ask("iptables", "-w", "5", "-t", table, "-S", chain);
  const start = `-A ${chain} `;
  return text?.split("\n").flatMap((line) => (line.startsWith(start) ? [line.slice(start.length)] : []));
}
