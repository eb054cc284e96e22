// What only a whole set can say.
import assert from "node:assert/strict";
import { test } from "node:test";
import { problemText } from "../../../src/manifest/manifest.ts";
import { complaints, loadText } from "../../support/manifests.ts";

/** A Deployment with a host port. */
const onHost = (name: string, port: string, replicas = 1) =>
  `apiVersion: orchestra/v1\nkind: Deployment\nmetadata: { name: ${name} }\nspec: { image: demo, replicas: ${replicas}, ports: [{ ${port} }] }\n`;

async function warnings(...documents: readonly string[]): Promise<string[]> {
  return (await loadText(documents.join("---\n"))).warnings.map(problemText);
}

test("a name that is used twice is an error that names both places", async () => {
  assert.deepEqual(await complaints("name: web\nimage: a\n---\nname: api\nimage: a\n---\nname: web\nimage: b\n"), [
    "7:7 metadata.name: the name web is used at stdin:1:7 already; rename one of them or delete it",
  ]);
});

test("two Deployments that want the same host port are a warning: another node may have room", async () => {
  const tcp = "containerPort: 80, hostPort: 8080";
  assert.deepEqual(await warnings(onHost("web", tcp), onHost("api", `${tcp}, hostIP: 127.0.0.1`)), [
    "stdin:8:19 spec.ports: api and web (stdin:3:19) both want host port 8080/TCP; they can never run on the same node: choose another hostPort unless there are nodes enough",
  ]);
});

const peaceful: readonly { name: string; a: string; b: string; replicas?: number }[] = [
  {
    name: "another protocol",
    a: "containerPort: 80, hostPort: 53",
    b: "containerPort: 80, hostPort: 53, protocol: UDP",
  },
  {
    name: "another address",
    a: "containerPort: 80, hostPort: 53, hostIP: 127.0.0.1",
    b: "containerPort: 80, hostPort: 53, hostIP: 127.0.0.2",
  },
  { name: "no replicas", a: "containerPort: 80, hostPort: 53", b: "containerPort: 80, hostPort: 53", replicas: 0 },
  { name: "the same port of the container", a: "containerPort: 80", b: "containerPort: 80" },
];
for (const { name, a, b, replicas } of peaceful) {
  test(`${name} is no clash on a host`, async () => {
    assert.deepEqual(await warnings(onHost("web", a), onHost("api", b, replicas)), []);
  });
}

test("a Deployment that is called like another's pod is a warning", async () => {
  assert.deepEqual(await warnings("name: web\nimage: a\n", "name: web-0\nimage: a\n", "name: web-01\nimage: a\n"), [
    "stdin:4:7 metadata.name: web-0 is also what people call the pod in slot 0 of web; say deployment/web-0 or pod/web-0 on the command line, or rename it",
  ]);
});
