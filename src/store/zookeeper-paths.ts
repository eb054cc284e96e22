// Where things lie below the cluster's root. Pure.
//   /deployments/web   /pods/web:1   /cluster      documents: one node each, their text as JSON
//   /commits /removals                             counters of every commit, and of those that remove something
//   /identity/<token>                              tells this store from every other that is made at the same place
//   /elections/<name>/<token>-<number>             who leads (the lowest) and who waits
import { OrchestraError } from "../model/errors.ts";
import { collectionOf } from "../model/keys.ts";

/** Written with every commit: its version is the store's position, its mzxid the version of all that the commit wrote. */
export const commitsPath = "/commits";
/** Written with every commit that removes a document: a node made again starts counting its own changes at 0, and this tells. */
export const removalsPath = "/removals";
/** Holds one node whose name is random: a transaction that checks it fails on any other store. */
export const identityPath = "/identity";
const electionsName = "elections";

const ownNames: ReadonlySet<string> = new Set(["commits", "removals", "identity", electionsName]);

/** The node of a document. A name with parts is one flat node: nodes with children cannot be removed in one step. */
export function pathOfKey(key: string): string {
  const collection = collectionOf(key);
  if (ownNames.has(collection)) throw new OrchestraError("bug", `${key} would take a name that the store needs itself`);
  if (!key.includes("/", collection.length + 1)) return `/${key}`;
  return `/${collection}/${key.slice(collection.length + 1).replaceAll("/", ":")}`;
}

/** The document of a node; undefined for the store's own nodes and for what lies deeper. */
export function keyOfPath(path: string): string | undefined {
  const [, top = "", name, ...deeper] = path.split("/");
  if (top === "" || deeper.length > 0 || ownNames.has(top)) return undefined;
  return name === undefined ? top : childKey(top, name);
}

/** The document of the node `name` below a collection's. */
export function childKey(collection: string, name: string): string {
  return `${collection}/${name.replaceAll(":", "/")}`;
}

/** The node that must exist before a document's can be made; undefined for a document there is one of. */
export function parentPath(key: string): string | undefined {
  const collection = collectionOf(key);
  return collection === key ? undefined : `/${collection}`;
}

export const electionsPath = `/${electionsName}`;
export const electionPath = (name: string): string => `${electionsPath}/${name}`;
