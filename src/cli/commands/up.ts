import { Errors, Flags } from "@oclif/core";
import type { Config } from "../../config.ts";
import { silentLog } from "../../log.ts";
import { roleNames } from "../../model/role.ts";
import type { Roles } from "../../roles.ts";
import { upLogPath } from "../../state-folder.ts";
import { absoluteUrl, openStore } from "../../store/open-store.ts";
import { BaseCommand } from "../base.ts";
import { asOrchestraError, failureDocument } from "../failure.ts";
import { startDetached, tellParent } from "../run/detach.ts";
import { knownCluster } from "../run/known-cluster.ts";
import { lostAfterFlag, withLostAfter } from "../run/lost-after.ts";
import { alreadyText, runningUp } from "../run/running.ts";
import { serve } from "../run/serve.ts";
import { givenWords, syncRecord, syncWords, type UpSync, upSyncFlags } from "../run/up-sync.ts";
import { followingOf } from "../sync/follow-flags.ts";
import { namedTarget } from "../sync/named-target.ts";

/** What the command line says; undefined: nothing. */
interface UpTold {
  readonly sync: UpSync | undefined;
  readonly lostAfterMs: number | undefined;
}

export default class Up extends BaseCommand {
  static override summary = "Run orchestra on this machine: keep containers and names as the store says.";
  static override description = `Runs in the foreground until Ctrl-C or SIGTERM; with --detach in the background.
When it ends, pods run on and names are answered, and the next up takes over from there.`;
  static override examples = [
    "<%= config.bin %> up --detach",
    "<%= config.bin %> up --sync manifests/",
    "<%= config.bin %> up --detach --sync https://example.org/shop.git#main/deploy --interval 1m --adopt",
  ];
  static override flags = {
    detach: Flags.boolean({ char: "d", summary: "Run in the background; return when it serves." }),
    "node-lost-after": lostAfterFlag,
    ...upSyncFlags,
  };

  async run(): Promise<void> {
    const { flags, metadata } = await this.parse(Up);
    const storeUrl = absoluteUrl(flags.store ?? this.settings.storeUrl);
    const text = flags["node-lost-after"];
    const config = withLostAfter(this.settings, text);
    const target = flags.sync === undefined ? undefined : namedTarget(flags.sync);
    const given = givenWords({ flags, metadata });
    const words = syncWords(target, given);
    const lostAfter = text === undefined ? [] : ["--node-lost-after", text];
    const listen = { flag: "--sync-listen", text: flags["sync-listen"] };
    const sync = target && { following: followingOf(target, flags, listen), given };
    const toldMs = text === undefined ? undefined : config.nodeLostAfterMs;
    if (flags.detach) await this.#detach(storeUrl, { sync, lostAfterMs: toldMs }, [...lostAfter, ...words]);
    else await this.#serve(storeUrl, config, sync);
  }

  async #serve(storeUrl: string, config: Config, sync: UpSync | undefined): Promise<void> {
    const { version } = this.config;
    const onServing = (roles: Roles) => this.#sayServing(roles);
    await serve({ config, storeUrl, version, command: "up", roles: roleNames, sync, onServing });
  }

  #sayServing({ node, warnings }: Roles): void {
    if (process.send) {
      tellParent({ serving: { pid: process.pid, node, warnings } });
      return;
    }
    for (const warning of warnings) this.note(`Warning: ${warning}`);
    this.note(`orchestra is up as node ${node}. Ctrl-C ends it; pods run on.`);
  }

  async #detach(storeUrl: string, { sync, lostAfterMs }: UpTold, words: readonly string[]): Promise<void> {
    const { stateDir, networkRange, storeAccess } = this.settings;
    const running = runningUp(stateDir, storeUrl);
    if (running) {
      return this.print(alreadyText(running, { sync: sync && syncRecord(sync, running.node), lostAfterMs }));
    }
    const store = await openStore(storeUrl, { create: true, patient: true, access: () => storeAccess });
    const now = new Date().toISOString();
    const cluster = await knownCluster({ store, storeUrl, stateDir, networkRange, now, log: silentLog }).finally(() =>
      store.close(),
    );
    const logPath = upLogPath(stateDir, cluster.id);
    const insecure = storeAccess.insecure ? ["--insecure-store"] : [];
    const serving = await startDetached(["up", "--store", storeUrl, ...insecure, ...words], logPath);
    for (const warning of serving.warnings) this.note(`Warning: ${warning}`);
    this.print(`orchestra is up as node ${serving.node} (pid ${serving.pid}); its log is ${logPath}.`);
    this.print(`Next: orchestra ${sync ? "sync status" : "apply -f FOLDER"}, orchestra get pods, orchestra down`);
  }

  /** The parent of a detached `up` shows the reason: nobody reads this process's own output. */
  protected override async catch(thrown: unknown): Promise<void> {
    if (!(thrown instanceof Errors.ExitError)) tellParent({ failed: failureDocument(asOrchestraError(thrown)).error });
    await super.catch(thrown);
  }
}
