// A process with a lab of its own, for a test that ends it. Says the lab's id when it is there.
import { openLab } from "./lab.ts";

const lab = await openLab({ hosts: 1, store: "file" });
process.stdout.write(`${lab.id}\n`);
setInterval(() => {}, 60_000);
