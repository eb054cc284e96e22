// What a plan needs of a cluster, in one file: `orchestra snapshot` writes it, and `diff --from-snapshot` plans on it as on the store at that time.
// No value of an environment or a header is in it in clear unless asked for, and nothing by which machines know each other.
import type { KnownState, Plan } from "../../apply/plan.ts";
import type { LoadedManifest } from "../../manifest/manifest.ts";
import { stateCollections } from "../../model/cluster-state.ts";
import { OrchestraError } from "../../model/errors.ts";
import { clusterKey, collectionOf, nameOf, verdictsKey } from "../../model/keys.ts";
import type { PodTemplate } from "../../model/template.ts";
import { checkLayout } from "../../store/cluster.ts";
import {
  type Document,
  damagedDocument,
  makeSnapshot,
  parseDocument,
  selectionOf,
  sortDocuments,
} from "../../store/snapshot.ts";
import type { Snapshot, Versioned } from "../../store/store.ts";
import { age } from "../print.ts";
import { lookInto, lookSelectors } from "./change-look.ts";
import { type Hide, hiddenManifests, hideWith } from "./hidden-values.ts";
import { readSaved, type SavedKind, savedText, writeSaved } from "./saved-file.ts";

/** What is kept besides the documents: for people. */
export interface SnapshotOrigin {
  readonly takenAt: string;
  /** URL of the store. */
  readonly store: string;
}

interface KeptSnapshot extends SnapshotOrigin {
  readonly snapshot: Snapshot;
  /** How its values are hidden; absent: they are in clear. */
  readonly hide?: Hide;
}

const kind: SavedKind = {
  kind: "Snapshot",
  noun: "snapshot",
  format: 1,
  // 10,000 Deployments with all their pods take a tenth of it; a text in memory may have twice as much.
  bytesLimit: 256 * 1024 ** 2,
  hint: "make one with: orchestra snapshot -o FILE",
  written: { flag: "-o", insteadOfDash: "leave it out for standard output, or name a file, as -o state.json" },
  read: {
    flag: "--from-snapshot",
    insteadOfDash: "name the file that snapshot -o has written, as --from-snapshot state.json",
  },
  altered: "invalid",
};

interface SavedDocument {
  readonly key: string;
  readonly version: number;
  readonly value: unknown;
}
interface SavedDamage {
  readonly key: string;
  readonly version: number;
  readonly why: string;
}

/** What the file says. `salt`: sixteen random bytes in hex that values are hidden with; absent: they are written in clear. */
export function snapshotBody(snapshot: Snapshot, origin: SnapshotOrigin, salt?: string): object {
  const hide = salt === undefined ? undefined : hideWith(salt);
  const single = [snapshot.get(clusterKey), snapshot.get(verdictsKey)].flatMap((found) => (found ? [found] : []));
  const listed = [...stateCollections, "presence" as const].flatMap((collection): Versioned<unknown>[] => [
    ...snapshot.list(collection),
  ]);
  const documents = [...single, ...listed].map(({ key, version, value }): SavedDocument => {
    return { key, version, value: withoutSecrets(key, value, hide) };
  });
  const damaged = [...snapshot.damaged].map(([key, { version, why }]): SavedDamage => {
    // What is wrong with a text is told with a part of it.
    const isSecret = hide !== undefined && collectionOf(key) === "revisions";
    return { key, version, why: isSecret ? "it cannot be understood" : why };
  });
  return { ...origin, position: snapshot.position, salt, documents, damaged };
}

/** The text of the file, for whoever writes it elsewhere. */
export function snapshotText(body: object): string {
  return savedText(kind, body);
}

/** Writes the file for its owner only. Throws as `writeSaved` does. */
export async function keepSnapshot(path: string, body: object): Promise<void> {
  await writeSaved(path, kind, body);
}

/** Reads a snapshot. Throws `invalid` for anything that is not a whole one that this program understands. */
async function readSnapshot(path: string): Promise<KeptSnapshot> {
  const said = await readSaved(path, kind);
  if (!isWhole(said)) throw new OrchestraError("invalid", `${path} is no whole snapshot`, { hint: kind.hint });
  const { takenAt, store, position, salt, documents, damaged } = said;
  const all: Document[] = [
    ...documents.map(({ key, version, value }) => parseDocument(key, version, JSON.stringify(value))),
    ...damaged.map(({ key, version, why }) => damagedDocument(key, version, why)),
  ];
  const snapshot = makeSnapshot(selectionOf(lookSelectors), sortDocuments(all), position, true);
  const cluster = snapshot.get(clusterKey);
  if (cluster) checkLayout(cluster.value, store);
  return { takenAt, store, snapshot, ...(salt === undefined ? {} : { hide: hideWith(salt) }) };
}

export interface SnapshotLook {
  readonly path: string;
  readonly manifests: readonly LoadedManifest[];
  readonly planOf: (wanted: readonly LoadedManifest[]) => (state: KnownState) => Plan;
  readonly showValues: boolean;
}

/** A look at a snapshot instead of at a store; `about`: what it was taken of. Throws as `readSnapshot` does, and `invalid` where values are to be shown that it does not have. */
export async function lookAtSnapshot({ path, manifests, planOf, showValues }: SnapshotLook) {
  const { snapshot, hide, takenAt, store } = await readSnapshot(path);
  if (hide && showValues) {
    throw new OrchestraError("invalid", `the snapshot ${path} holds no values of environment variables to show`, {
      hint: "leave out --show-values, or make the snapshot with it",
    });
  }
  const look = lookInto(snapshot, planOf(hide ? hiddenManifests(manifests, hide) : manifests));
  return { look, about: `Planned on a snapshot of ${store} of ${takenAt}, ${age(takenAt, Date.now())} ago.` };
}

/** A plan needs neither the values nor the keys by which a node is known again. */
function withoutSecrets(key: string, value: unknown, hide: Hide | undefined): unknown {
  const collection = collectionOf(key);
  if (collection === "revisions" && hide) return hide(nameOf(key).split("/")[0] ?? "", value as PodTemplate);
  if (collection === "nodes") return { ...(value as object), key: "hidden" };
  return collection === "presence" ? {} : value;
}

interface Said extends SnapshotOrigin {
  readonly position: number;
  readonly salt?: string;
  readonly documents: readonly SavedDocument[];
  readonly damaged: readonly SavedDamage[];
}

/** The checksum agrees, so this is as orchestra wrote it, unless somebody has made a file of his own. What a document holds is looked at when it is parsed. */
function isWhole(said: object): said is Said {
  const { takenAt, store, position, salt, documents, damaged } = said as Partial<Record<keyof Said, unknown>>;
  const isDocument = (value: unknown) => {
    const { key, version } = (value ?? {}) as Partial<SavedDocument>;
    return typeof key === "string" && typeof version === "number";
  };
  const texts = [takenAt, store, salt ?? ""];
  const lists = [documents, damaged];
  return (
    texts.every((text) => typeof text === "string") &&
    typeof position === "number" &&
    lists.every((list) => Array.isArray(list) && list.every(isDocument))
  );
}
