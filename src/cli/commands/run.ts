import { Args } from "@oclif/core";
import { OrchestraError } from "../../model/errors.ts";
import { type RoleName, roleNames } from "../../model/role.ts";
import { absoluteUrl } from "../../store/open-store.ts";
import { BaseCommand } from "../base.ts";
import { lostAfterFlag, withLostAfter } from "../run/lost-after.ts";
import { serve } from "../run/serve.ts";

export default class Run extends BaseCommand {
  static override summary = "Run some of the roles of up on this machine, each in a process of its own if you like.";
  static override description =
    `For hosts that a supervisor looks after: master, worker and dns, or some of them, in the foreground.
Ctrl-C or SIGTERM ends it; pods run on. Needs a store that several machines share (zk://): on a file one up holds all roles.`;
  static override examples = ["<%= config.bin %> run worker dns --store zk://a,b,c/orchestra"];
  static override args = {
    role: Args.string({ required: true, description: `One or more of ${roleNames.join(", ")}.` }),
  };
  static override flags = { "node-lost-after": lostAfterFlag };
  static override strict = false;

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(Run);
    const roles = rolesNamed(argv.map(String));
    const config = withLostAfter(this.settings, flags["node-lost-after"]);
    const storeUrl = absoluteUrl(flags.store ?? config.storeUrl);
    if (storeUrl.startsWith("file:")) {
      throw new OrchestraError(
        "invalid",
        `orchestra run needs a store that several machines share; this one is ${storeUrl}`,
        {
          hint: "on a file run all roles in one process: orchestra up",
        },
      );
    }
    const { version } = this.config;
    await serve({
      config,
      storeUrl,
      version,
      command: "run",
      roles,
      onServing: ({ node, warnings }) => {
        for (const warning of warnings) this.note(`Warning: ${warning}`);
        this.note(`orchestra runs ${roles.join(" and ")} as node ${node}. Ctrl-C ends it; pods run on.`);
      },
    });
  }
}

/** Each once, in the usual order. */
function rolesNamed(words: readonly string[]): RoleName[] {
  const strange = words.find((word) => !roleNames.some((role) => role === word));
  if (strange !== undefined) {
    throw new OrchestraError("invalid", `"${strange}" is no role`, {
      hint: `write one or more of ${roleNames.join(", ")}`,
    });
  }
  return roleNames.filter((role) => words.includes(role));
}
