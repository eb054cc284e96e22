// How the CoreDNS of a state folder stands, told from its record and by asking it.
import { Resolver } from "node:dns/promises";
import { clusterDomain } from "../model/cluster.ts";
import { isRunning } from "../process-record.ts";
import { answers, corednsFiles, readCorednsRecord } from "./coredns-process.ts";
import { readZoneFile } from "./zone-file.ts";

/** What `status` and `doctor` tell about the CoreDNS of this state folder. */
export interface DnsStatus {
  readonly running: boolean;
  /** It runs and its own health check says yes. */
  readonly healthy: boolean;
  readonly pid: number;
  readonly program: string;
  readonly startedAt: string;
  /** Where containers ask, and where people can. */
  readonly gateway: string;
  readonly gatewayPort: number;
  readonly localPort: number;
  /** Of the zone file, and of the zone that CoreDNS answers from: they differ for at most its reload interval. */
  readonly serial?: number;
  readonly answeredSerial?: number;
  readonly logFile: string;
}

/** Undefined: none was ever started, or `stopCoredns` ended it. */
export async function dnsStatus(stateDir: string): Promise<DnsStatus | undefined> {
  const files = corednsFiles(stateDir);
  const record = readCorednsRecord(files);
  if (!record) return undefined;
  const running = isRunning(record);
  const serial = (await readZoneFile(files.zone))?.serial;
  const answeredSerial = running ? await askSerial(record.localPort) : undefined;
  const { pid, program, startedAt, gateway, gatewayPort, localPort } = record;
  return {
    running,
    healthy: running && (await answers(record.healthPort, "health")),
    ...{ pid, program, startedAt, gateway, gatewayPort, localPort, logFile: files.log },
    ...(serial === undefined ? {} : { serial }),
    ...(answeredSerial === undefined ? {} : { answeredSerial }),
  };
}

async function askSerial(port: number): Promise<number | undefined> {
  const resolver = new Resolver({ timeout: 1_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${port}`]);
  return await resolver.resolveSoa(clusterDomain).then(
    ({ serial }) => serial,
    () => undefined,
  );
}
