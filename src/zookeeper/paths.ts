// Paths as the caller knows them, and as the server does: below the chroot.
import { ZooKeeperError } from "./errors.ts";
import { noAuth, noNode } from "./wire.ts";

const wellFormed = /^\/(?:[^/\0]+(?:\/[^/\0]+)*)?$/;
const slash = "/".charCodeAt(0);
const dots = /\/\.\.?(?:\/|$)/;

function isWellFormed(path: string): boolean {
  return wellFormed.test(path) && !(path.includes("/.") && dots.test(path));
}

export function checkPath(path: string): void {
  if (isWellFormed(path)) return;
  const hint = `it begins with "/", ends without, and has no empty, "." or ".." part`;
  throw new ZooKeeperError("bad-arguments", `${JSON.stringify(path)} is no path of a node: ${hint}`, { path });
}

export class Paths {
  readonly chroot: string;
  readonly #user: string | undefined;

  /** `user`: whose credentials were given. */
  constructor(chroot: string, user: string | undefined) {
    this.#user = user;
    this.chroot = chroot === "/" ? "" : chroot;
    if (this.chroot !== "") checkPath(this.chroot);
  }

  /** Throws `bad-arguments` for what is no path. */
  full(path: string): string {
    if (path === "/") return this.chroot === "" ? path : this.chroot;
    const full = this.chroot + path;
    // The chroot is sound, so this tells it of the path, and looks at what the server gets.
    if (path.charCodeAt(0) !== slash || !isWellFormed(full)) checkPath(path);
    return full;
  }

  /** The caller's path for one that the server names; undefined when it is not below the chroot. */
  given(full: string): string | undefined {
    if (this.chroot === "") return full;
    if (full === this.chroot) return "/";
    return full.startsWith(`${this.chroot}/`) ? full.slice(this.chroot.length) : undefined;
  }

  /** What may be behind an error of the server, for the end of its message. */
  hint(error: number): string {
    if (error === noNode && this.chroot !== "") return ` (below the chroot ${this.chroot}, which may not exist)`;
    if (error !== noAuth) return "";
    // The server never says that a password is wrong: it just takes the user for another one.
    return this.#user === undefined
      ? " without credentials"
      : ` as user ${JSON.stringify(this.#user)} with the password that was given`;
  }
}
