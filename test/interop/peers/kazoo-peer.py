"""kazoo, the ZooKeeper client for Python, told what to do by lines of JSON (see peer.ts)."""
import json
import sys
import threading

from kazoo.client import KazooClient

client = KazooClient(hosts=sys.argv[1], timeout=10)
output = threading.Lock()
kinds = {"CREATED": "created", "DELETED": "deleted", "CHANGED": "changed", "CHILD": "children"}


def tell(message):
    with output:
        print(json.dumps(message), flush=True)


def on_event(event):
    tell({"event": "%s %s" % (kinds[event.type], event.path)})


def run(order):
    do, path = order["do"], order.get("path")
    if do == "ready":
        client.start(timeout=30)
    elif do == "create":
        mode = order["mode"]
        client.create(path, order["data"].encode(), ephemeral=mode == "ephemeral", sequence=mode == "sequential")
    elif do == "get":
        return client.get(path)[0].decode()
    elif do == "set":
        client.set(path, order["data"].encode())
    elif do == "delete":
        client.delete(path)
    elif do == "children":
        return client.get_children(path)
    elif do == "owner":
        # Python counts without an end; a session's id has 64 bits.
        return "%x" % (client.exists(path).ephemeralOwner & 0xFFFFFFFFFFFFFFFF)
    elif do == "watch":
        client.get(path, watch=on_event)
        client.get_children(path, watch=on_event)
    elif do == "login":
        client.add_auth("digest", "%s:%s" % (order["user"], order["password"]))
    else:
        raise ValueError(do)


for line in sys.stdin:
    order = json.loads(line)
    try:
        tell({"id": order["id"], "ok": run(order)})
    except Exception as error:
        tell({"id": order["id"], "error": type(error).__name__ + ": " + str(error)})
client.stop()
