// The templates of this node's placements. Each is read from the store once, because a revision never changes.
import { isOrchestraError, messageOf } from "../model/errors.ts";
import { revisionKey } from "../model/keys.ts";
import type { Placement, Reason } from "../model/pod.ts";
import { type PodTemplate, type ResolvedTemplate, resolveTemplate } from "../model/template.ts";
import type { Store } from "../store/store.ts";

export interface TemplatesOptions {
  readonly store: Store;
  /** Returns the template, or throws what is wrong with it: what the store holds is not believed. */
  readonly validateTemplate: (template: unknown) => PodTemplate;
  /** From before this process, by `<deployment>/<revision>`. */
  readonly known: Readonly<Record<string, PodTemplate>>;
}

interface Template {
  readonly stored: PodTemplate;
  readonly resolved?: ResolvedTemplate;
  readonly refusal?: Reason;
}

export class Templates {
  readonly #store: Store;
  readonly #validate: (template: unknown) => PodTemplate;
  readonly #byKey = new Map<string, Template>();

  constructor({ store, validateTemplate, known }: TemplatesOptions) {
    this.#store = store;
    this.#validate = validateTemplate;
    for (const [key, stored] of Object.entries(known)) this.#byKey.set(key, this.#checked(stored));
  }

  /** Reads what is lacking for these, and forgets all others. Returns whether every one could be read. */
  async follow(placements: readonly Placement[]): Promise<boolean> {
    const wanted = new Map(placements.map((placement) => [keyOf(placement), placement]));
    for (const key of this.#byKey.keys()) if (!wanted.has(key)) this.#byKey.delete(key);
    const missing = [...wanted].filter(([key]) => !this.#byKey.has(key));
    const found = await Promise.all(missing.map(([key, placement]) => this.#read(key, placement)));
    return found.every(Boolean);
  }

  of(placement: Placement): ResolvedTemplate | undefined {
    return this.#byKey.get(keyOf(placement))?.resolved;
  }

  /** Why validation refused it. */
  refusalOf(placement: Placement): Reason | undefined {
    return this.#byKey.get(keyOf(placement))?.refusal;
  }

  /** As the store has them, by `<deployment>/<revision>`. */
  stored(): Readonly<Record<string, PodTemplate>> {
    return Object.fromEntries([...this.#byKey].map(([key, { stored }]) => [key, stored]));
  }

  async #read(key: string, { deployment, revision }: Placement): Promise<boolean> {
    const document = await this.#store.read(revisionKey(deployment, revision)).catch((error: unknown) => {
      // A damaged one is as good as none: others' pods do not wait for it.
      if (!isOrchestraError(error, "unavailable") && !isOrchestraError(error, "invalid")) throw error;
    });
    if (document) this.#byKey.set(key, this.#checked(document.value));
    return document !== undefined;
  }

  #checked(stored: PodTemplate): Template {
    try {
      return { stored, resolved: resolveTemplate(this.#validate(stored)) };
    } catch (error) {
      const message = messageOf(error).replace(/\s+/g, " ").slice(0, 160);
      return { stored, refusal: { code: "BAD_TEMPLATE", message } };
    }
  }
}

function keyOf({ deployment, revision }: Placement): string {
  return `${deployment}/${revision}`;
}
