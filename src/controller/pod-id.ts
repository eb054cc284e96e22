// Names of new pods.
import { createHash } from "node:crypto";

/**
 * The id of the pod with this serial: twelve hex digits, never used again because uids and serials are not, and because serials that an
 * older copy of the store does not know were those of another incarnation.
 */
export function podIdOf(uid: string, serial: number, incarnation = 1): string {
  const whose = incarnation === 1 ? uid : `${uid}.${incarnation}`;
  return createHash("sha256").update(`${whose}:${serial}`).digest("hex").slice(0, 12);
}

/** Hands out ids and remembers how far it has come. `isTaken` ids are skipped: a serial may have been lost with its document. */
export function openSerials(uid: string, first: number, isTaken: (id: string) => boolean, incarnation?: number) {
  let serial = first;
  return {
    next() {
      while (isTaken(podIdOf(uid, serial, incarnation))) serial += 1;
      const id = podIdOf(uid, serial, incarnation);
      serial += 1;
      return { id, serial: serial - 1 };
    },
    nextSerial: () => serial,
  };
}
