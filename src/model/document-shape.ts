// What a document must have so that programs can go on with it. Who writes into the store by hand, or breaks it, must not make them fail or
// conclude anything: what is not of this shape is damaged, and treated as unknown. Fields that are not named here may be anything. Pure.
import { collectionOf } from "./keys.ts";

/** What is wrong with a value at this place; undefined: nothing. */
type Shape = (value: unknown, at: string) => string | undefined;

const is =
  (type: "string" | "number", name: string): Shape =>
  (value, at) =>
    typeof value === type ? undefined : `${at} is no ${name}`;

const text = is("string", "text");
const count = is("number", "number");

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `optional`: checked where they are there. */
function object(fields: Readonly<Record<string, Shape>>, optional: Readonly<Record<string, Shape>> = {}): Shape {
  return (value, at) => {
    if (!isRecord(value)) return `${at} is no object`;
    const place = (name: string) => (at === "it" ? name : `${at}.${name}`);
    for (const [name, shape] of Object.entries(fields)) {
      const wrong = shape(value[name], place(name));
      if (wrong !== undefined) return wrong;
    }
    for (const [name, shape] of Object.entries(optional)) {
      const wrong = value[name] === undefined ? undefined : shape(value[name], place(name));
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };
}

function list(shape: Shape): Shape {
  return (value, at) => {
    if (!Array.isArray(value)) return `${at} is no list`;
    for (const [index, item] of value.entries()) {
      const wrong = shape(item, `${at}[${index}]`);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };
}

/** By names that are nobody's business here. */
function table(shape: Shape): Shape {
  return (value, at) => {
    if (!isRecord(value)) return `${at} is no object`;
    for (const [name, item] of Object.entries(value)) {
      const wrong = shape(item, `${at}.${name}`);
      if (wrong !== undefined) return wrong;
    }
    return undefined;
  };
}

const anyObject = object({});
const act = object({ by: text, at: text });
const hold = object({ reason: text });
const renames = list(object({ from: text, to: text }));

const shapes: Readonly<Record<string, Shape>> = {
  deployments: object(
    {
      uid: text,
      revision: text,
      history: list(text),
      replicas: object({}, { file: count, override: object({ count }) }),
      generation: count,
      updated: act,
    },
    {
      deleted: act,
      strategy: anyObject,
      placement: object({}, { nodeSelector: table(text) }),
      source: text,
      commit: object({ id: text, author: text, subject: text }),
    },
  ),
  revisions: object(
    { image: text },
    { ports: list(anyObject), env: table(text), command: list(text), args: list(text), resources: anyObject },
  ),
  pods: object(
    { uid: text, pods: list(object({ id: text, serial: count, slot: count, revision: text }, { stop: anyObject })) },
    { generation: count, nextSerial: count, rollout: object({ revision: text, state: text }) },
  ),
  placements: object(
    {
      placements: list(object({ pod: text, deployment: text, slot: count, revision: text }, { stop: anyObject })),
    },
    { count },
  ),
  statuses: object(
    { statuses: list(object({ pod: text, phase: text }, { reason: object({ code: text, message: text }) })) },
    { boot: text, hold, engine: object({ since: text, reason: text }) },
  ),
  failures: object({ failures: list(object({ deployment: text, slot: count, pod: text })) }),
  nodes: object(
    { address: text, capacity: object({ cpuMilli: count, memoryBytes: count }), key: text, labels: table(text) },
    { network: object({ range: text, gateway: text }) },
  ),
  presence: anyObject,
  controls: object({}, { cordoned: act, drained: act, forget: act, paused: act, approved: act, trigger: act }),
  ranges: object({ node: text }),
  syncs: object(
    {
      source: text,
      follows: object({ kind: text }),
      lead: object({ host: text, pid: count, since: text }, { address: text, boot: text }),
    },
    {
      machine: object({ id: text, since: text }),
      pass: object({ at: text, outcome: text, errors: list(text) }, { more: count, trouble: text }),
      applied: object({ at: text, tree: text, deployments: count }, { unread: list(text), marks: text }),
      held: object(
        { token: text, created: count, updated: count, deleted: count, deletes: list(text) },
        {
          since: text,
          creates: list(text),
          updates: list(text),
          renamed: count,
          renames,
          pods: object({ replaced: count, stopped: count }),
        },
      ),
      waiting: object({ since: text, prunes: list(text) }, { more: count, renames }),
      letThrough: object({ tree: text, token: text }, { limits: text, renames }),
      drift: object({ at: text, deployments: list(object({ name: text })) }),
    },
  ),
  cluster: object({ id: text, layout: count, incarnation: count, networkRange: text }),
  verdicts: object({ nodes: table(object({ state: text })) }, { hold }),
  epoch: object({ epoch: count }),
};

/** Why this value cannot be the document of that name; undefined: it can. */
export function shapeProblem(key: string, value: unknown): string | undefined {
  return shapes[collectionOf(key)]?.(value, "it");
}
