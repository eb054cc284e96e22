/** The first document of every store, written by the first `up` (or the first command that writes). */
export interface ClusterDocument {
  /** Eight random hex digits: they label our containers and name our network, so two clusters on one engine never meet. */
  readonly id: string;
  /** Of the documents in the store; a program refuses a layout newer than its own. */
  readonly layout: number;
  /** Raised when the store is replaced as a whole; workers that saw another one hold. */
  readonly incarnation: number;
  /** Out of which every node takes a /24, as `10.42.0.0/16`. */
  readonly networkRange: string;
  readonly createdAt: string;
  /** Written by an import: this incarnation goes on from where that one stood. A machine that has seen more of it holds. */
  readonly continues?: { readonly incarnation: number; readonly position: number };
  /** Checksum of the file that was imported last. */
  readonly imported?: string;
  /** The same of one whose import needs several commits, and is under way or was not finished. Nothing else may use the store. */
  readonly importing?: string;
}

/** The layout that this program reads and writes. */
export const storeLayout = 1;
export const defaultNetworkRange = "10.42.0.0/16";
/** Of the bridge that the containers of a cluster share on one machine. */
export function networkName(cluster: string): string {
  return `orchestra-${cluster}`;
}

/** What every name that CoreDNS answers for ends with. */
export const clusterDomain = "cluster.local";
