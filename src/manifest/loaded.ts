// What comes out of the room, and what it takes besides paths.
import type { DeploymentSpec } from "../model/deployment.ts";
import type { Place, Problem } from "./problem.ts";

/** One Deployment as a manifest says it. */
export interface LoadedManifest {
  /** Canonical and sparse. */
  readonly spec: DeploymentSpec;
  /** Of `spec.template`. */
  readonly revision: string;
  /** Of the whole `spec`. */
  readonly manifestHash: string;
  /** Where its name is written; absent when it came from flags, not from a file. */
  readonly place?: Place;
  /** Where its count is written, if it is. */
  readonly replicasPlace?: Place;
}

/** A file that was read: as people call it, and what was in it. */
export interface ReadFile {
  readonly file: string;
  /** Of the very bytes that were parsed, in hex. */
  readonly sha256: string;
}

export interface LoadOptions {
  /** What `-` reads. */
  readonly stdin?: AsyncIterable<Uint8Array | string>;
  /** Where results are kept by content, so that a file that did not change is not parsed again. Absent: nowhere. */
  readonly cacheDir?: string;
  /** Told of each file that was read, also where what is in it is wrong. */
  readonly onRead?: (file: ReadFile) => void;
}

export interface Loaded {
  /** Sorted by name. */
  readonly manifests: readonly LoadedManifest[];
  /** What is not wrong but probably not meant, sorted by place. */
  readonly warnings: readonly Problem[];
}
