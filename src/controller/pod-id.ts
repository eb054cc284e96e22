// Names of new pods.
import { createHash } from "node:crypto";

/** The id of the pod with this serial: twelve hex digits, never used again because uids and serials are not. */
export function podIdOf(uid: string, serial: number): string {
  return createHash("sha256").update(`${uid}:${serial}`).digest("hex").slice(0, 12);
}

/** Hands out ids and remembers how far it has come. `isTaken` ids are skipped: a serial may have been lost with its document. */
export function openSerials(uid: string, first: number, isTaken: (id: string) => boolean) {
  let serial = first;
  return {
    next() {
      while (isTaken(podIdOf(uid, serial))) serial += 1;
      const id = podIdOf(uid, serial);
      serial += 1;
      return { id, serial: serial - 1 };
    },
    nextSerial: () => serial,
  };
}
