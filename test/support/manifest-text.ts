// Manifests as a user writes them, for tests of the whole program.

export interface ManifestFields {
  readonly image?: string;
  /** Left out: the manifest does not own the count. */
  readonly replicas?: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Lines of YAML that go below `spec`, indented by two. */
  readonly more?: string;
}

/** A Deployment of the demo image with a port and a readiness probe, and no wait before a stop. */
export function demoManifest(name: string, fields: ManifestFields = {}): string {
  const {
    image = "orchestra-demo:1",
    replicas,
    env = {},
    more = "  stop: { graceSeconds: 2, drainSeconds: 0 }",
  } = fields;
  const lines = [
    "apiVersion: orchestra/v1",
    "kind: Deployment",
    `metadata: { name: ${name} }`,
    "spec:",
    ...(replicas === undefined ? [] : [`  replicas: ${replicas}`]),
    `  image: ${image}`,
    "  imagePullPolicy: Never",
    `  env: ${JSON.stringify(env)}`,
    "  ports: [{ name: http, containerPort: 8080 }]",
    "  readiness: { http: { path: /readyz, port: http } }",
    more,
  ];
  return `${lines.join("\n")}\n`;
}
