// The host's own Docker login: what `docker login` left in `~/.docker/config.json`, or keeps in a credential helper.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, OrchestraError } from "../model/errors.ts";

/** As the engine wants it in `X-Registry-Auth`. Never logged. */
export interface RegistryAuth {
  readonly serveraddress: string;
  readonly username?: string;
  readonly password?: string;
  readonly identitytoken?: string;
}

interface DockerConfig {
  readonly auths?: Readonly<Record<string, { auth?: string; identitytoken?: string }>>;
  readonly credsStore?: string;
  readonly credHelpers?: Readonly<Record<string, string>>;
}

const hubServer = "https://index.docker.io/v1/";
const helperLimitMs = 30_000;

/** The registry of an image, as Docker reads a reference: the first part is a host when it has a dot, a colon, or is localhost. */
export function registryOf(image: string): string {
  const [first = "", ...rest] = image.split("/");
  const isHost = rest.length > 0 && (first === "localhost" || /[.:]/.test(first));
  return isHost && first !== "docker.io" && first !== "index.docker.io" ? first : hubServer;
}

/** An image's name with a tag or digest: `latest` when it has none, as `docker pull` takes it. */
export function withTag(image: string): string {
  const last = image.slice(image.lastIndexOf("/") + 1);
  return last.includes(":") || last.includes("@") ? image : `${image}:latest`;
}

/** The login for `image`, or undefined when the host has none. `configFolder` is DOCKER_CONFIG, usually `~/.docker`. */
export async function registryAuth(configFolder: string, image: string): Promise<RegistryAuth | undefined> {
  const config = await readConfig(join(configFolder, "config.json"));
  if (!config) return undefined;
  const server = registryOf(image);
  const helper = config.credHelpers?.[server] ?? config.credsStore;
  if (helper) {
    const answer = await askHelper(helper, server);
    if (answer) return answer;
  }
  const entry =
    config.auths?.[server] ?? config.auths?.[`https://${server}`] ?? config.auths?.[`https://${server}/v1/`];
  if (entry?.identitytoken) return { serveraddress: server, identitytoken: entry.identitytoken };
  if (!entry?.auth) return undefined;
  const [username = "", ...password] = Buffer.from(entry.auth, "base64").toString("utf8").split(":");
  return { serveraddress: server, username, password: password.join(":") };
}

async function readConfig(file: string): Promise<DockerConfig | undefined> {
  const text = await readFile(file, "utf8").catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text) as DockerConfig;
  } catch (error) {
    throw new OrchestraError("invalid", `${file} is not JSON: ${messageOf(error)}`, {
      hint: "mend it, or log in again with docker login",
    });
  }
}

/** A helper answers on standard output; "not found" is an ordinary answer and means no login. */
function askHelper(helper: string, server: string): Promise<RegistryAuth | undefined> {
  return new Promise((resolve, reject) => {
    const program = `docker-credential-${helper}`;
    const child = execFile(program, ["get"], { timeout: helperLimitMs }, (error, stdout) => {
      if (error) {
        if (/not found in native keychain/i.test(stdout)) return resolve(undefined);
        return reject(
          new OrchestraError("invalid", `${program} gives no login for ${server}: ${stdout.trim() || error.message}`, {
            hint: "install it or mend credsStore in Docker's config.json",
          }),
        );
      }
      try {
        const { Username, Secret } = JSON.parse(stdout) as { Username: string; Secret: string };
        // `<token>` is how helpers say that the secret is an identity token.
        const login = Username === "<token>" ? { identitytoken: Secret } : { username: Username, password: Secret };
        resolve({ serveraddress: server, ...login });
      } catch {
        reject(new OrchestraError("invalid", `${program} does not answer in JSON`));
      }
    });
    // A helper that is not installed fails before it reads: the callback tells, the pipe need not.
    child.stdin?.on("error", () => {});
    child.stdin?.end(server);
  });
}
