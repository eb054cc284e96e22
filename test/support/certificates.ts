// A certificate authority of a test's own, and what it has signed for a server and a client.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** PEM texts. */
export interface Identity {
  readonly cert: string;
  readonly key: string;
}

export interface Certificates {
  /** PEM text of the authority that has signed both. */
  readonly ca: string;
  readonly server: Identity;
  readonly client: Identity;
}

/** Makes them with `openssl`, in `folder`. The server's certificate names `addresses` and `localhost`. */
export async function makeCertificates(folder: string, addresses: readonly string[]): Promise<Certificates> {
  const authority = join(folder, "ca");
  await openssl(
    ...["req", "-x509", ...newKey(authority), "-out", `${authority}.pem`],
    // Two authorities with one name would be taken for one another by the program that looks for the issuer.
    ...["-days", "2", "-subj", `/CN=orchestra test ${randomBytes(4).toString("hex")}`],
  );
  const names = [...addresses.map((address) => `IP:${address}`), "DNS:localhost"].join(",");
  const server = await sign(authority, join(folder, "server"), "orchestra test server", names);
  const client = await sign(authority, join(folder, "client"), "orchestra test client", "DNS:client");
  return { ca: await readFile(`${authority}.pem`, "utf8"), server, client };
}

async function sign(authority: string, path: string, name: string, alternativeNames: string): Promise<Identity> {
  await writeFile(`${path}.ext`, `subjectAltName=${alternativeNames}\nextendedKeyUsage=serverAuth,clientAuth\n`);
  await openssl("req", ...newKey(path), "-out", `${path}.csr`, "-subj", `/CN=${name}`);
  await openssl(
    ...["x509", "-req", "-in", `${path}.csr`, "-out", `${path}.pem`, "-days", "2", "-extfile", `${path}.ext`],
    ...["-CA", `${authority}.pem`, "-CAkey", `${authority}.key`, "-set_serial", `0x${randomBytes(8).toString("hex")}`],
  );
  return { cert: await readFile(`${path}.pem`, "utf8"), key: await readFile(`${path}.key`, "utf8") };
}

function newKey(path: string): string[] {
  return ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", `${path}.key`];
}

async function openssl(...args: readonly string[]): Promise<void> {
  await run("openssl", args);
}
