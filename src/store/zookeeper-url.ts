// The URL of a store on ZooKeeper: zk://host[:2181],host,…/chroot, zks:// with TLS. Pure.
import { OrchestraError } from "../model/errors.ts";

export interface ZooKeeperPlace {
  readonly tls: boolean;
  /** At least one. */
  readonly servers: readonly { readonly host: string; readonly port: number }[];
  /** "" or as "/orchestra". */
  readonly chroot: string;
}

const plainPort = 2181;
const securePort = 2281;
const hostForm = /^(?:[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])$/;
const partForm = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/;
const form = "write zk://host1,host2,host3/orchestra, with :port behind a host where it is not 2181";

export function isZooKeeperUrl(url: string): boolean {
  return /^zks?:/i.test(url);
}

/** Throws `invalid` for anything else, and for a password, which it does not repeat. */
export function parseZooKeeperUrl(url: string): ZooKeeperPlace {
  const [, scheme = "", rest = ""] = /^(zks?):\/\/(.*)$/is.exec(url) ?? [];
  const tls = scheme.toLowerCase() === "zks";
  if (rest.includes("@")) {
    throw new OrchestraError(
      "invalid",
      "the URL of a store must not hold a password: everyone on this machine could read it",
      {
        hint: "set ORCHESTRA_STORE_USER, and ORCHESTRA_STORE_PASSWORD_FILE or ORCHESTRA_STORE_PASSWORD",
      },
    );
  }
  const slash = rest.indexOf("/");
  const [hosts, path] = slash < 0 ? [rest, ""] : [rest.slice(0, slash), rest.slice(slash)];
  if (scheme === "" || hosts === "") throw bad(url, "names no ZooKeeper server");
  const chroot = path.replace(/\/$/, "");
  if (
    chroot !== "" &&
    !chroot
      .slice(1)
      .split("/")
      .every((part) => partForm.test(part))
  ) {
    throw bad(url, `has a path that cannot be used`);
  }
  if (/^\/zookeeper(\/|$)/.test(chroot)) throw bad(url, "names a path that belongs to ZooKeeper itself");
  return { tls, servers: hosts.split(",").map((host) => parseServer(url, host, tls ? securePort : plainPort)), chroot };
}

/** The same text for the same place, however it was written. */
export function formatZooKeeperUrl({ tls, servers, chroot }: ZooKeeperPlace): string {
  const usual = tls ? securePort : plainPort;
  const names = servers.map(({ host, port }) => {
    const name = host.includes(":") ? `[${host}]` : host;
    return port === usual ? name : `${name}:${port}`;
  });
  return `${tls ? "zks" : "zk"}://${names.join(",")}${chroot}`;
}

/** Whether only this machine can reach all of these servers. */
export function isLoopback({ servers }: ZooKeeperPlace): boolean {
  return servers.every(({ host }) => /^(localhost|127(\.\d{1,3}){3}|::1)$/.test(host));
}

function parseServer(url: string, text: string, usual: number): { host: string; port: number } {
  const [, host = "", digits] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/s.exec(text.trim()) ?? [];
  if (!hostForm.test(host))
    throw bad(url, text === "" ? "has an empty host" : "has a host that is no name and no address");
  const port = digits === undefined ? usual : Number(digits);
  if ((digits !== undefined && !/^\d+$/.test(digits)) || port < 1 || port > 65_535) {
    throw bad(url, `has "${digits}" where a port from 1 to 65535 is expected`);
  }
  return { host: host.replace(/^\[|\]$/g, "").toLowerCase(), port };
}

function bad(url: string, problem: string): OrchestraError {
  return new OrchestraError("invalid", `"${url}" ${problem}`, { hint: form });
}
