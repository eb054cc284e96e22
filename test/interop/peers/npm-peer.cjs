// The npm package `zookeeper`, which wraps the C client, told what to do by lines of JSON (see peer.ts).
const { createInterface } = require("node:readline");
const ZooKeeper = require("zookeeper");

const client = new ZooKeeper({ connect: process.argv[2], timeout: 10_000, debug_level: 0 });
const connected = new Promise((resolve) => client.once("connect", resolve));
const kinds = { 1: "created", 2: "deleted", 3: "changed", 4: "children" };
const modes = { persistent: 0, ephemeral: 1, sequential: 2 };
const anyVersion = -1;

client.init({});
createInterface({ input: process.stdin }).on("line", obey).on("close", leave);

async function obey(line) {
  const order = JSON.parse(line);
  try {
    tell({ id: order.id, ok: await run(order) });
  } catch (error) {
    tell({ id: order.id, error: String(error) });
  }
}

async function run({ do: what, path, data, mode, user, password }) {
  switch (what) {
    case "ready":
      return void (await connected);
    case "create":
      return void (await client.create(path, data, modes[mode]));
    case "get":
      return (await client.get(path, false))[1].toString();
    case "set":
      return void (await client.set(path, data, anyVersion));
    case "delete":
      return void (await client.delete_(path, anyVersion));
    case "children":
      return client.get_children(path, false);
    case "owner":
      return (await client.exists(path, false)).ephemeralOwner;
    case "watch":
      await client.w_get(path, onEvent);
      return void (await client.w_get_children(path, onEvent));
    case "login":
      return login(`${user}:${password}`);
    default:
      throw new Error(what);
  }
}

function login(credentials) {
  return new Promise((resolve, reject) => {
    client.add_auth("digest", credentials, (code, error) => (code === 0 ? resolve() : reject(new Error(error))));
  });
}

// Changes of the session are told to watchers too.
function onEvent(type, _state, path) {
  if (type in kinds) tell({ event: `${kinds[type]} ${path}` });
}

function tell(message) {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function leave() {
  client.close();
  process.exit();
}
