// doctor: the servers of a store on ZooKeeper, and who may write it.
import type { StoreAccess } from "../../model/store-access.ts";
import { examineServers, type Findings, type ServerFinding } from "../../store/zookeeper-examine.ts";
import { isLoopback, parseZooKeeperUrl } from "../../store/zookeeper-url.ts";
import { type Check, fail, ok, warn } from "./checks.ts";

/** An answer waits for the disks of most servers; slower than this, and people notice. */
const slowAnswerMs = 100;

export async function checkServers(url: string, access: StoreAccess): Promise<Check[]> {
  const place = parseZooKeeperUrl(url);
  const findings = await examineServers(place, access);
  const { servers } = findings;
  return [...servers.map(checkServer), checkQuorum(servers), ...checkAccess(findings, isLoopback(place), place.tls)];
}

function checkServer({ server, problem, answerMs = 0, mode }: ServerFinding): Check {
  const name = "Store's server";
  const role = mode === undefined ? "" : `, ${mode}`;
  if (problem !== undefined) {
    return warn(name, `${server} cannot be used${role}: ${problem}`, "look at its log, and at the network between");
  }
  const ms = Math.max(1, Math.round(answerMs));
  if (ms <= slowAnswerMs) return ok(name, `${server} answers after ${ms} ms${role}`);
  return warn(name, `${server} takes ${ms} ms to answer${role}`, "give ZooKeeper's dataLogDir a disk of its own");
}

function checkQuorum(servers: readonly ServerFinding[]): Check {
  const name = "Store's quorum";
  const usable = servers.filter(({ problem }) => problem === undefined);
  if (usable.length === 0) {
    const mend = "start ZooKeeper's servers: more than half of them are needed; pods and names go on meanwhile";
    return fail(name, `none of ${servers.length} servers can be used`, mend);
  }
  const of = `${usable.length} of ${servers.length} servers can be used`;
  if (servers.length === 1) {
    const alone = usable[0]?.mode === "standalone";
    return alone
      ? warn(name, "one server alone: when it fails, nothing can be changed", "run three, and name all of them")
      : ok(name, of);
  }
  if (servers.length % 2 === 0) {
    return warn(name, `${of}; an even number bears no more failures than one less`, "run three or five servers");
  }
  return usable.length === servers.length ? ok(name, of) : warn(name, of, "bring the others back before another fails");
}

function checkAccess({ acl, hasCredentials }: Findings, isLocal: boolean, tls: boolean): Check[] {
  const name = "Store's access";
  if (!acl) return [];
  const isOpen = acl.some(({ scheme, permissions }) => scheme === "world" && permissions !== 0);
  if (isOpen && hasCredentials) {
    const mend = "export it, remove its path, and import it with the credentials set";
    return [warn(name, "it was created without credentials: everyone who reaches it can write it", mend)];
  }
  if (isOpen) {
    const text = "everyone who reaches the servers can write it, and so run any image";
    if (isLocal) return [ok(name, `${text}; only this machine does`)];
    return [warn(name, text, "create it with ORCHESTRA_STORE_USER and ORCHESTRA_STORE_PASSWORD_FILE set")];
  }
  if (tls || isLocal) return [ok(name, "only with its credentials")];
  return [
    warn(name, "only with its credentials, which cross the network in the clear", "let the servers speak TLS (zks://)"),
  ];
}
