// The repository's Corefile with its `{$NAME}` filled in, and which resolvers outside names are asked of. Pure.
import { OrchestraError } from "../model/errors.ts";

export interface CorefileSettings {
  readonly zoneFile: string;
  /** Of the node's bridge: what containers ask. */
  readonly gateway: string;
  readonly gatewayPort: number;
  readonly localPort: number;
  readonly healthPort: number;
  readonly readyPort: number;
  /** For names outside the cluster; empty: they fail at once. */
  readonly resolvers: readonly string[];
}

/** Fills in a template. Throws `invalid` for a `{$NAME}` that there is no value for. */
export function fillCorefile(template: string, settings: CorefileSettings): string {
  const values: Readonly<Record<string, string>> = {
    ZONE_FILE: quoted(settings.zoneFile),
    GATEWAY: settings.gateway,
    GATEWAY_PORT: String(settings.gatewayPort),
    LOCAL_PORT: String(settings.localPort),
    HEALTH_PORT: String(settings.healthPort),
    READY_PORT: String(settings.readyPort),
    OUTSIDE: settings.resolvers.length > 0 ? "ask_resolvers" : "nobody_to_ask",
    RESOLVERS: settings.resolvers.join(" "),
  };
  return template.replace(/\{\$([A-Z_]+)\}/g, (_whole, name: string) => {
    const value = values[name];
    if (value !== undefined) return value;
    throw new OrchestraError("invalid", `Corefile: {$${name}} is none of the settings that orchestra fills in`, {
      hint: `use ${Object.keys(values).join(", ")}`,
    });
  });
}

/** systemd-resolved's stub, and the file in which it keeps the resolvers behind it. */
const stubResolver = "127.0.0.53";
export const behindStubPath = "/run/systemd/resolve/resolv.conf";

/**
 * The resolvers of the host, from the texts of /etc/resolv.conf and of the file behind systemd-resolved's stub ("" where there is none).
 * `ours` are the addresses that CoreDNS itself answers on: asking ourselves would never end.
 */
export function hostResolvers(resolvConf: string, behindStub: string, ours: readonly string[]): string[] {
  const named = nameservers(resolvConf).flatMap((address) => {
    const behind = address === stubResolver ? nameservers(behindStub) : [];
    return behind.length > 0 ? behind : [address];
  });
  return [...new Set(named)].filter((address) => !ours.includes(address));
}

/** Only what is plainly an address reaches the Corefile. */
function nameservers(text: string): string[] {
  const lines = text
    .split("\n")
    .map((line) => /^\s*nameserver\s+([0-9]+(?:\.[0-9]+){3}|[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*)\s*(?:[#;].*)?$/.exec(line));
  return lines.flatMap((match) => match?.[1] ?? []);
}

function quoted(path: string): string {
  return `"${path.replaceAll('"', '\\"')}"`;
}
