// Git's own server for HTTP, behind a password: what a host of repositories does, on loopback.
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";

const run = promisify(execFile);

export interface GitHttp {
  /** What the repositories' paths are appended to. */
  readonly url: string;
  /** How many requests it has let in, and how many it has refused. */
  counts(): { readonly served: number; readonly refused: number };
}

/** `root`: the folder with the repositories. Ends with the test. */
export async function gitHttp(t: TestContext, root: string, user: string, password: string): Promise<GitHttp> {
  const { stdout } = await run("git", ["--exec-path"]);
  const program = join(stdout.trim(), "git-http-backend");
  const right = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
  const counts = { served: 0, refused: 0 };
  const server = createServer((request, response) => {
    if (request.headers.authorization === right) {
      counts.served += 1;
      serve(program, root, request, response);
    } else {
      counts.refused += 1;
      response.writeHead(401, { "www-authenticate": 'Basic realm="shop"' }).end("Who are you?");
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, counts: () => counts };
}

/** As the Common Gateway Interface has it: the request in variables and on standard input, the answer with its headers on standard output. */
function serve(program: string, root: string, request: IncomingMessage, response: ServerResponse): void {
  const { pathname, search } = new URL(request.url ?? "/", "http://localhost");
  const child = spawn(program, [], {
    env: {
      PATH: process.env["PATH"],
      GIT_PROJECT_ROOT: root,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_CONFIG_NOSYSTEM: "1",
      HOME: root,
      REQUEST_METHOD: request.method,
      PATH_INFO: pathname,
      QUERY_STRING: search.slice(1),
      CONTENT_TYPE: request.headers["content-type"],
      CONTENT_LENGTH: request.headers["content-length"],
      HTTP_CONTENT_ENCODING: request.headers["content-encoding"],
      GIT_PROTOCOL: request.headers["git-protocol"] as string | undefined,
    },
    stdio: ["pipe", "pipe", "inherit"],
  });
  // Whoever asked may have gone.
  child.stdin.on("error", () => {});
  request.pipe(child.stdin);
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  child.once("close", () => {
    const all = Buffer.concat(chunks);
    const end = all.indexOf("\r\n\r\n");
    const headers = all.subarray(0, end).toString("latin1").split("\r\n");
    const pairs = headers.map((line) => line.split(": ") as [string, string]);
    const status = Number(pairs.find(([name]) => name === "Status")?.[1].split(" ")[0] ?? 200);
    response.writeHead(status, Object.fromEntries(pairs.filter(([name]) => name !== "Status")));
    response.end(all.subarray(end + 4));
  });
}
