// A followed folder that links lead to: what is saved in it is seen at once, and so is another folder in its place (`current -> releases/v2`).
import assert from "node:assert/strict";
import { mkdir, rename, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemClock } from "../../../src/clock.ts";
import { silentLog } from "../../../src/log.ts";
import { openDirectory } from "../../../src/sync/directory.ts";
import { Reach } from "../../../src/sync/directory-reach.ts";
import type { Look } from "../../../src/sync/source.ts";
import { eventually, throughout } from "../../support/eventually.ts";
import { manifestText } from "../../support/sync-lab.ts";
import { tempFolder } from "../../support/temp-folder.ts";

/** Looks once, and then only when it is woken: nothing is found by looking now and then. */
async function following(t: TestContext, root: string, place: string) {
  const path = join(root, place);
  const { signal } = new AbortController();
  const [clock, log] = [systemClock, silentLog];
  let last: Look | undefined;
  let looking: Promise<void> = Promise.resolve();
  let error: unknown;
  let looks = 0;
  const look = () => {
    looking = looking
      .then(async () => {
        last = await source.look(signal);
        looks += 1;
      })
      .catch((thrown: unknown) => {
        error = thrown;
      });
  };
  const [reach, mountsFile] = [new Reach({ path, clock }), join(root, "mounts.json")];
  const source = openDirectory({ path, wake: look, clock, log, reach, mountsFile });
  t.after(async () => {
    await looking;
    await source.close();
  });
  look();
  const images = () => {
    assert.equal(error, undefined);
    if (last?.state !== "read") return `${last?.state}`;
    return last.tree.manifests.map(({ spec }) => `${spec.name}=${spec.template.image}`).join(" ");
  };
  return {
    looks: () => looks,
    /** And has nothing more to look at: the watches are set, and have told that. */
    async shows(wanted: string) {
      await eventually(`it shows ${wanted}`, () => images() === wanted).catch((error: Error) => {
        throw new Error(`${error.message}; it shows ${images()}`);
      });
      for (let before = -1; before !== looks; ) {
        before = looks;
        await throughout(200, () => {});
      }
    },
  };
}

async function save(folder: string, name: string, image: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.yaml`), manifestText(name, image));
}

/** As `ln -sfn` and deployers do it: the link is another one in one step. */
async function swap(target: string, path: string): Promise<void> {
  const draft = join(dirname(path), ".draft");
  await symlink(target, draft);
  await rename(draft, path);
}

test("what is saved in a folder that a link leads to is seen at once, also further down", async (t) => {
  const root = await tempFolder(t);
  await save(join(root, "real"), "web", "a:1");
  await symlink("real", join(root, "link"));
  const { shows } = await following(t, root, "link");
  await shows("web=a:1");
  await save(join(root, "real"), "web", "a:2");
  await shows("web=a:2");
  await save(join(root, "link", "more"), "api", "a:1");
  await shows("api=a:1 web=a:2");
  await save(join(root, "link", "more"), "api", "a:2");
  await shows("api=a:2 web=a:2");
});

const ways: readonly { readonly name: string; readonly links: readonly [string, string][]; readonly path: string }[] = [
  { name: "the folder itself", links: [["current", "releases/v1"]], path: "current" },
  { name: "a folder further up", links: [["current", "releases"]], path: "current/v1/../v1" },
  {
    name: "a link that a link leads to",
    links: [
      ["current", "releases/v1"],
      ["deep/link", "../current"],
    ],
    path: "deep/link",
  },
];
for (const { name, links, path } of ways) {
  test(`a link is swapped that is ${name}: both the swap and what is saved after it are seen at once`, async (t) => {
    const root = await tempFolder(t);
    for (const version of ["v1", "v2"]) await save(join(root, "releases", version), "web", `a:${version}`);
    await save(join(root, "others", "v1"), "web", "a:v2");
    for (const [at, target] of links) {
      await mkdir(join(root, dirname(at)), { recursive: true });
      await symlink(target, join(root, at));
    }
    const { shows, looks } = await following(t, root, path);
    await shows("web=a:v1");
    const isFurtherUp = links[0]?.[1] === "releases";
    await swap(isFurtherUp ? "others" : join(root, "releases", "v2"), join(root, "current"));
    await shows("web=a:v2");
    await save(isFurtherUp ? join(root, "others", "v1") : join(root, "releases", "v2"), "web", "a:3");
    await shows("web=a:3");
    // What nothing leads to any more is nobody's business.
    const before = looks();
    await save(join(root, "releases", "v1"), "web", "a:4");
    await throughout(300, () => assert.equal(looks(), before));
  });
}
