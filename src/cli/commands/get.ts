import { Args, Flags } from "@oclif/core";
import { BaseCommand, type Output, outputFlag } from "../base.ts";
import type { Row, Selection } from "../show/listing.ts";
import type { Observation } from "../show/observe.ts";

export default class Get extends BaseCommand {
  static override summary = "List Deployments, pods and nodes.";
  static override description = `Works while nothing runs, and then says how old the statuses are.
Without a kind: Deployments and their pods. A Deployment's name after "pods" lists its pods.`;
  static override examples = [
    "<%= config.bin %> get",
    "<%= config.bin %> get pods web -w",
    "<%= config.bin %> get nodes -o wide",
    "<%= config.bin %> get deployment/web -o json",
  ];
  static override args = {
    what: Args.string({
      description: "deployments, pods or nodes, then names; or names alone",
      multiple: true,
      ignoreStdin: true,
    }),
  };
  static override flags = {
    output: outputFlag("table", "wide", "json", "yaml", "name"),
    watch: Flags.boolean({ char: "w", summary: "Go on and show every change, until Ctrl-C." }),
  };

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Get);
    const { selectionOf, listing } = await import("../show/listing.ts");
    const { observe } = await import("../show/observe.ts");
    const selection = selectionOf(argv as string[]);
    const store = await this.openStore(flags);
    if (flags.watch) {
      const { watchListing } = await import("../show/watch-listing.ts");
      return watchListing({ store, selection, output: flags.output, out: process.stdout });
    }
    const observation = await observe(store);
    const { pendingTexts } = await import("../show/pending.ts");
    const rows = listing(observation, selection, { pending: await pendingTexts(observation.state) });
    await this.#show(flags.output, observation, rows, selection);
  }

  async #show(output: Output, observation: Observation, rows: readonly Row[], selection: Selection): Promise<void> {
    const { listDocument, listingText, nameOf } = await import("../show/listing.ts");
    const { json, yaml, wantsColour } = await import("../print.ts");
    if (output === "json") return this.print(json(listDocument(observation, rows)));
    if (output === "yaml") return this.print(await yaml(listDocument(observation, rows)));
    if (output === "name") return rows.length > 0 ? this.print([...new Set(rows.map(nameOf))].join("\n")) : undefined;
    const { notesOf } = await import("../show/node-rows.ts");
    const text = { nowMs: observation.nowMs, wide: output === "wide", colour: wantsColour(process.stdout) };
    if (rows.length > 0) this.print(listingText(rows, text));
    else
      this.note(
        `No ${selection.kinds.map((kind) => (kind === "deployment" ? "Deployments" : `${kind}s`)).join(" or ")}.`,
      );
    for (const note of notesOf(observation)) this.note(`${note.charAt(0).toUpperCase()}${note.slice(1)}.`);
  }
}
