// Random nodes, and random sets of manifests that change from one apply to the next: created, changed, scaled, renamed, gone, and such as fit nowhere.
import type { NodeDocument } from "../../src/model/node.ts";

export interface AnyNode {
  readonly name: string;
  readonly capacity: NodeDocument["capacity"];
  readonly labels: Readonly<Record<string, string>>;
}

/** What a manifest says of its Deployment besides the name. */
type Spec = Readonly<Record<string, unknown>>;
/** By the Deployment's name. */
export type Shop = ReadonlyMap<string, Spec>;

/** `room`: whether any node has room for all that can be placed at all, so that nobody waits for what others leave. */
export interface Choices {
  readonly random: () => number;
  readonly room: boolean;
}

/** One of these, by a number in [0, 1). */
export function oneOf<const T>(random: () => number, ...choices: readonly T[]): T {
  return choices[Math.floor(random() * choices.length)] as T;
}

const gibibyte = 1024 ** 3;

export function anyNodes({ random, room }: Choices): AnyNode[] {
  return Array.from({ length: oneOf(random, 1, 2, 3, 3, 4, 5) }, (_, index) => ({
    name: `n${index + 1}`,
    capacity: {
      cpuMilli: room ? 32_000 : oneOf(random, 1_000, 4_000),
      memoryBytes: (room ? 32 : oneOf(random, 1, 2, 4, 8)) * gibibyte,
      pids: 0,
    },
    labels: random() < 0.6 ? { disk: "ssd" } : {},
  }));
}

function anySpec({ random, room }: Choices): Spec {
  // The last one is more than any node has.
  const memory = oneOf(random, "64Mi", "64Mi", "256Mi", "256Mi", "512Mi", "1Gi", "100Gi");
  const placement = oneOf<Spec>(
    random,
    {},
    {},
    { spread: "none" },
    { nodeSelector: { disk: "ssd" } },
    { maxPerNode: 1 },
  );
  const hostPort = { ports: [{ containerPort: 80, hostPort: oneOf(random, 8_000, 8_001) }] };
  return {
    ...(random() < 0.9 ? { replicas: oneOf(random, 0, 1, 2, 3, 4, 5) } : {}),
    ...anyVersion(random),
    resources: random() < 0.3 ? { memory, cpu: oneOf(random, "100m", "500m", "900m") } : { memory },
    ...(random() < 0.5 ? { strategy: anyStrategy(random) } : {}),
    // Both let a pod wait for its predecessor's place.
    ...(room && "maxPerNode" in placement ? {} : { placement }),
    ...(!room && random() < 0.15 ? hostPort : {}),
    ...(random() < 0.1 ? { protect: true } : {}),
    image: "orchestra-demo:1",
    stop: { graceSeconds: 0, drainSeconds: 0 },
  };
}

function anyStrategy(random: () => number): Spec {
  return oneOf<Spec>(
    random,
    { maxSurge: 1, maxUnavailable: 1 },
    { maxSurge: 0, maxUnavailable: 1 },
    { maxSurge: 0, maxUnavailable: "50%" },
    { maxSurge: 2, maxUnavailable: 0 },
    { maxSurge: "25%", maxUnavailable: "100%" },
  );
}

function anyVersion(random: () => number): Spec {
  return { env: { VERSION: `${oneOf(random, 1, 2, 3)}` } };
}

/** Another shop: most of it as before, and some of it new, changed, renamed or gone. */
export function nextShop(before: Shop, choices: Choices): Shop {
  const { random } = choices;
  const names = ["api", "blog", "cart", "db", "mail", "web"];
  const next = new Map(before);
  const free = () => names.filter((name) => !next.has(name) && !before.has(name));
  for (const [name, spec] of before) {
    const change = random();
    if (change < 0.15) next.set(name, { ...spec, ...anyVersion(random) });
    else if (change < 0.3) next.set(name, { ...spec, replicas: oneOf(random, 0, 1, 2, 3, 4, 6) });
    else if (change < 0.4) next.set(name, anySpec(choices));
    else if (change < 0.6) next.delete(name);
    const [other] = free();
    if (change >= 0.5 && change < 0.6 && other !== undefined) next.set(other, spec);
  }
  for (const name of free()) if (random() < 0.4 || next.size === 0) next.set(name, anySpec(choices));
  return next;
}

/** Its manifests, as one file may hold them. */
export function shopText(shop: Shop): string {
  return [...shop]
    .map(([name, spec]) => JSON.stringify({ apiVersion: "orchestra/v1", kind: "Deployment", metadata: { name }, spec }))
    .join("\n---\n");
}
