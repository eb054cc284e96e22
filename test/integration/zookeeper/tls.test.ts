// TLS to a real server that wants to see a certificate, and every way in which the two sides can disagree.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { openAcl } from "../../../src/zookeeper/records.ts";
import type { TlsOptions } from "../../../src/zookeeper/zookeeper.ts";
import { type Certificates, makeCertificates } from "../../support/certificates.ts";
import { tempFolder } from "../../support/temp-folder.ts";
import { startClient, testClient } from "../../support/zookeeper-clients.ts";
import { zooKeeperOfFile } from "../../support/zookeeper-of-file.ts";

const zooKeeper = zooKeeperOfFile({ tls: "need" });

const secure = () => zooKeeper().servers.map(({ host, securePort }) => ({ host, port: securePort }));

function ours(): Required<Pick<TlsOptions, "ca" | "cert" | "key">> {
  const { ca, client } = zooKeeper().certificates as Certificates;
  return { ca, cert: client.cert, key: client.key };
}

test("with a certificate of the right authority everything works", async (t) => {
  const { client } = await testClient(t, secure(), { tls: ours() });
  const data = Buffer.alloc(900_000, "x");
  await client.create("/large", data, { mode: "persistent", acl: openAcl });
  assert.ok(data.equals((await client.getData("/large")).data));
});

const mismatches: {
  name: string;
  tls: (t: TestContext) => TlsOptions | undefined | Promise<TlsOptions>;
  plainPort?: true;
  says: RegExp;
}[] = [
  {
    name: "without a certificate",
    tls: () => ({ ca: ours().ca }),
    says: /TLS|closed the connection|reset the connection/,
  },
  {
    name: "an authority that is not ours",
    tls: async (t) => ({ ...ours(), ca: (await makeCertificates(await tempFolder(t), [])).ca }),
    says: /TLS: .*(certificate|signature)/,
  },
  {
    name: "another name in the certificate",
    tls: () => ({ ...ours(), serverName: "elsewhere.example" }),
    says: /TLS: .*elsewhere.example/,
  },
  { name: "plain talk to a TLS port", tls: () => undefined, says: /does it want TLS|it wants TLS/ },
  { name: "TLS to a plain port", tls: ours, plainPort: true, says: /TLS/ },
];

for (const { name, tls, plainPort, says } of mismatches) {
  test(`${name} is said in words`, async (t) => {
    const options = await tls(t);
    const servers = plainPort ? zooKeeper().servers : secure();
    const { client } = startClient(t, servers, { connectLimitMs: 3_000, ...(options ? { tls: options } : {}) });
    await assert.rejects(client.ready, { code: "unreachable", message: says });
  });
}

test("a server name of one's own is fine when the certificate has it", async (t) => {
  const { client } = await testClient(t, secure(), { tls: { ...ours(), serverName: "localhost" } });
  assert.equal(client.state, "connected");
});
