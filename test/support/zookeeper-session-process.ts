// A process that holds a session and says what becomes of it, for tests that stop the whole process.
// Arguments: the servers as "host:port,host:port" and the path of an ephemeral node to create.
import { openAcl } from "../../src/zookeeper/records.ts";
import { connectZooKeeper } from "../../src/zookeeper/zookeeper.ts";

const [servers = "", path = ""] = process.argv.slice(2);
const client = connectZooKeeper({
  servers: servers.split(",").map((server) => {
    const [host = "", port] = server.split(":");
    return { host, port: Number(port) };
  }),
  sessionTimeoutMs: 2_000,
});
client.onState((state) => process.send?.(state));
await client.ready;
await client.create(path, Buffer.from(`${process.pid}`), { mode: "ephemeral", acl: openAcl });
process.send?.("created");

/** Writes whenever it may, as a leader does: what is answered "done" must have been done while the node was there. */
async function writeOn(): Promise<void> {
  for (let version = 0; client.state !== "expired"; version += 1) {
    const outcome = await client.setData(path, Buffer.from(`${version}`), version).then(
      () => "done",
      (error: { code: string }) => error.code,
    );
    if (outcome !== "done") process.send?.(`write ${outcome}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  process.send?.("over");
}
process.on("message", () => void writeOn());
process.on("disconnect", () => process.exit());
