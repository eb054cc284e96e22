// Documents that are read and say something wrong: shape, spelling, amounts, and fields that do not go together.
import assert from "node:assert/strict";
import { test } from "node:test";
import { complaints, withSpec } from "../../support/manifests.ts";

const range = "and must be from 0 to 10000";

/** Lines of a spec, and what is wrong with them. The first line is line 6. */
const specs: readonly { spec: readonly string[]; want: readonly string[] }[] = [
  { spec: ["replicas: -1"], want: [`6:13 spec.replicas: is -1, ${range}`] },
  { spec: ["replicas: 1.5"], want: ["6:13 spec.replicas: is the number 1.5, and must be a whole number"] },
  { spec: ["replicas: 1e9"], want: [`6:13 spec.replicas: is 1000000000, ${range}`] },
  {
    spec: ['replicas: "3"'],
    want: ['6:13 spec.replicas: is the text "3", and must be a whole number; remove the quotes: replicas: 3'],
  },
  {
    spec: ["replicas: .inf"],
    want: ["6:13 spec.replicas: .inf is no number that can be kept; quote it if it is text"],
  },
  {
    spec: ["replicas: 9007199254740993"],
    want: ["6:13 spec.replicas: 9007199254740993 is too large to be kept exactly; quote it if it is text"],
  },
  {
    spec: ["replicas:"],
    want: ["6:3 spec.replicas: has no value, and must be a whole number; give it a value or delete the line"],
  },
  {
    spec: ["workingDir:"],
    want: ["6:3 spec.workingDir: has no value, and must be text; give it a value or delete the line"],
  },
  {
    spec: ["env:", "  PORT: 8080", "  DEBUG: true", "  SINCE: 2024-01-01", "  NOTHING:"],
    want: [
      '7:11 spec.env.PORT: is a number, and must be text; quote it: PORT: "…"',
      '8:12 spec.env.DEBUG: is a truth value, and must be text; quote it: DEBUG: "…"',
      '9:12 spec.env.SINCE: is a date, and must be text; quote it: SINCE: "…"',
      '10:5 spec.env.NOTHING: has no value, and must be text; write NOTHING: "" if it should be empty, or delete the line',
    ],
  },
  {
    spec: ["labels: { a: 0o17, b: 2024-01-01T10:00:00Z }"],
    want: [
      '6:16 spec.labels.a: is the number 15, and must be text; quote it: a: "0o17"',
      '6:25 spec.labels.b: is a date, and must be text; quote it: b: "2024-01-01T10:00:00Z"',
    ],
  },
  {
    spec: ["env: { 1A: b, A=B: c }"],
    want: ["1A", "A=B"].map(
      (name, index) =>
        `6:${[10, 17][index]} spec.env["${name}"]: is no name of an environment variable: it must begin with a letter or "_" and hold letters, digits, "_", "." and "-" only`,
    ),
  },
  { spec: ['env: { A: "\\a" }'], want: ["6:13 spec.env.A: must be text without control characters"] },
  {
    spec: ["labels: { orchestra.node: x }"],
    want: [
      '6:13 spec.labels["orchestra.node"]: is reserved: labels that begin with "orchestra." are ours; choose another name',
    ],
  },
  {
    spec: ["ports: [{ containerPort: 0 }, { containerPort: 65536 }]"],
    want: [
      "6:28 spec.ports[0].containerPort: is 0, and must be from 1 to 65535",
      "6:50 spec.ports[1].containerPort: is 65536, and must be from 1 to 65535",
    ],
  },
  {
    spec: ["ports:", "  - { name: a, containerPort: 80 }", "  - { name: a, containerPort: 80 }"],
    want: [
      '8:15 spec.ports[1].name: ports[0] is called "a" too; give each port its own name',
      "8:33 spec.ports[1].containerPort: ports[0] is 80/TCP too; keep one of them",
    ],
  },
  {
    spec: [
      "ports:",
      "  - { containerPort: 1, hostPort: 80 }",
      "  - { containerPort: 2, hostPort: 80, hostIP: 127.0.0.1 }",
    ],
    want: ["8:37 spec.ports[1].hostPort: ports[0] takes 80 of the host too; choose another"],
  },
  {
    spec: ["ports: [{ containerPort: 1, hostPort: 2, hostIP: 300.0.0.1 }]"],
    want: ['6:52 spec.ports[0].hostIP: "300.0.0.1" is no IP address; write it as 127.0.0.1'],
  },
  {
    spec: ["ports: [{ containerPort: 1, hostIP: 127.0.0.1 }]"],
    want: ["6:39 spec.ports[0].hostIP: does nothing without hostPort; add hostPort"],
  },
  {
    spec: ["ports: [{ name: http, containerPort: 80 }]", "readiness: { http: { port: htp } }"],
    want: ['7:30 spec.readiness.http.port: no port is called "htp"; the ports with a name are http'],
  },
  {
    spec: ["liveness: { http: { port: 80 }, tcp: { port: 80 } }"],
    want: ["6:13 spec.liveness: has http and tcp; keep exactly one of http, tcp and exec"],
  },
  {
    spec: ["readiness: { periodSeconds: 5 }"],
    want: ["6:14 spec.readiness: says no way to probe; add exactly one of http, tcp and exec"],
  },
  {
    spec: ["ports: [{ name: dns, containerPort: 53, protocol: UDP }]", "readiness: { tcp: { port: dns } }"],
    want: ['7:29 spec.readiness.tcp.port: the port "dns" is a UDP port; probe a TCP port, or use exec'],
  },
  {
    spec: ["resources: { memory: 128mb }"],
    want: ['6:24 spec.resources.memory: "128mb" is no amount of memory; write 128Mi (1024s) or 128M (thousands)'],
  },
  {
    spec: ["resources: { memory: -1Gi, cpu: -1 }"],
    want: [
      '6:24 spec.resources.memory: "-1Gi" is no amount of memory; write it as 128Mi or 1Gi',
      '6:35 spec.resources.cpu: "-1" is no amount of cpu; write cores or thousandths of one, as 1.5 or 250m',
    ],
  },
  {
    spec: ["resources: { memory: 0, cpu: 0, pids: 0 }"],
    want: [
      "6:24 spec.resources.memory: is 0; leave memory out to reserve and limit nothing",
      "6:32 spec.resources.cpu: is 0; leave cpu out to reserve and limit nothing",
      "6:41 spec.resources.pids: is 0, and must be from 1 to 4194304",
    ],
  },
  {
    spec: ["resources: { memory: 1Mi, cpu: 1m }"],
    want: [
      `6:24 spec.resources.memory: "1Mi" is less than Docker's least, 6Mi; 128Mi are 128 mebibytes`,
      `6:34 spec.resources.cpu: "1m" is less than Docker's least share, 10m`,
    ],
  },
  {
    spec: ["strategy: { maxSurge: 0 }"],
    want: [
      "6:25 spec.strategy.maxSurge: maxSurge and maxUnavailable are both 0, so no pod could ever be replaced; set maxUnavailable: 1",
    ],
  },
  {
    spec: ['strategy: { maxSurge: "0%", maxUnavailable: 101% }'],
    want: ['6:47 spec.strategy.maxUnavailable: "101%" must be a count, as 1, or a percentage from "0%" to "100%"'],
  },
  {
    spec: ["workingDir: srv"],
    want: ['6:15 spec.workingDir: "srv" must be an absolute path, as /srv'],
  },
  ...["/proc/self/fd/7", "/srv/../dev", "//sys/"].map((folder) => ({
    spec: [`workingDir: ${folder}`],
    want: [
      `6:15 spec.workingDir: is below /${/proc|dev|sys/.exec(folder)?.[0]}, which belongs to the kernel; choose another folder`,
    ],
  })),
  { spec: ["user: 1000"], want: ['6:9 spec.user: is the number 1000, and must be text; quote it: user: "1000"'] },
  {
    spec: ["stop: { signal: TERM }"],
    want: ['6:19 spec.stop.signal: is "TERM", and is none of those that are known; did you mean "SIGTERM"?'],
  },
  {
    spec: ["restart: { backoffSeconds: 100 }"],
    want: [
      "6:30 spec.restart.backoffSeconds: the first pause (100 s) is longer than the longest (60 s); raise backoffMaxSeconds",
    ],
  },
  {
    spec: ["command: nginx"],
    want: ['6:12 spec.command: is the text "nginx", and must be a list; write it as a list, as [a, b]'],
  },
  { spec: ['command: ["", a]'], want: ["6:13 spec.command[0]: is empty, and should name a program"] },
  {
    spec: ["protect: yes"],
    want: ['6:12 spec.protect: is the text "yes", and must be true or false; write protect: true or protect: false'],
  },
  { spec: ["replica: 3"], want: ['6:3 spec.replica: there is no such field; did you mean "replicas"?'] },
  { spec: ["maxSurge: 1"], want: ["6:3 spec.maxSurge: there is no such field; it belongs at spec.strategy.maxSurge"] },
  { spec: ["readinessProbe: {}"], want: ["6:3 spec.readinessProbe: there is no such field; it is called readiness"] },
  {
    spec: ["imagePullPolicy: always"],
    want: ['6:20 spec.imagePullPolicy: is "always", and must be Always, IfNotPresent or Never; did you mean "Always"?'],
  },
];
for (const { spec, want } of specs) {
  test(`spec { ${spec.join("; ")} } is told with its place`, async () => {
    assert.deepEqual(await complaints(withSpec(...spec)), want);
  });
}

const documents: readonly { name: string; text: string; want: readonly string[] }[] = [
  { name: "no image", text: "name: web\n", want: ["1:1 image: is missing; add image"] },
  {
    name: "a misspelt image",
    text: "name: web\nimagee: a\n",
    want: ['2:1 imagee: there is no such field; did you mean "image"?'],
  },
  {
    name: "more than the short form has",
    text: "name: web\nimage: a\nports: []\n",
    want: [
      "3:1 ports: there is no such field; the short form has name, image and replicas only: write the full form for more",
    ],
  },
  {
    name: "Kubernetes",
    text: "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec: { template: {} }\n",
    want: [
      '1:13 apiVersion: is "apps/v1", and must be orchestra/v1; this looks like Kubernetes: write it anew, as docs/manifest.md shows',
    ],
  },
  {
    name: "a wrong version and kind",
    text: withSpec().replace("orchestra/v1", "orchestra/v2").replace("Deployment", "Deploymnt"),
    want: [
      '1:13 apiVersion: is "orchestra/v2", and must be orchestra/v1; did you mean "orchestra/v1"?',
      '2:7 kind: is "Deploymnt", and must be Deployment; did you mean "Deployment"?',
    ],
  },
  {
    name: "no version and kind",
    text: "metadata: { name: web }\nspec: { image: a }\n",
    want: ["1:1 apiVersion: is missing; add apiVersion", "1:1 kind: is missing; add kind"],
  },
  {
    name: "a list",
    text: "- a\n",
    want: ["1:1: this is not a manifest: it is a list; a manifest begins with apiVersion: orchestra/v1"],
  },
  {
    name: "another program's file",
    text: "services: { web: { image: a } }\n",
    want: ["1:1: this is not a manifest: it has none of its fields; a manifest begins with apiVersion: orchestra/v1"],
  },
];
for (const { name, text, want } of documents) {
  test(`${name} is told with its place`, async () => assert.deepEqual(await complaints(text), want));
}

const secret = "s3cret";
const secrets = [
  `[${secret}]`,
  `"${secret}\\a"`,
  `{ ${secret}: a }`,
  `*${secret}`,
  `!${secret}`,
  `"${secret}\\q"`,
  `"\\U${secret}00"`,
  `|${secret}`,
  `>${secret}`,
  `!!${secret}`,
  `!<${secret}>`,
  `!${secret}!`,
  `!${secret}!a`,
  `&a "x" "${secret}"`,
];
for (const written of [
  ...secrets,
  "12345678901234567890123",
  "0x12345",
  "2024-01-23",
  `"x" ${secret}`,
  `] ${secret}`,
]) {
  test(`a variable written as ${written} is told, and in no message`, async () => {
    for (const spec of [[`env: { A: ${written} }`], ["env:", `  A: ${written}`]]) {
      const found = (await complaints(withSpec(...spec))).join("\n");
      assert.notEqual(found, "");
      assert.doesNotMatch(found, /s3cret|12345|01-23/);
    }
  });
}

test("an error for each of two documents is told, sorted, in one error", async () => {
  const found = await complaints("name: A\nimage: b\n---\nname: c\nimage: D\n");
  assert.deepEqual(
    found.map((line) => line.split(" ")[0]),
    ["1:7", "5:8"],
  );
});

test("after a hundred problems the rest is counted", async () => {
  const found = await complaints(withSpec(...Array.from({ length: 130 }, (_, index) => `field${index}: 1`)));
  assert.equal(found.length, 101);
  assert.equal(found.at(-1), "and 30 more");
});
