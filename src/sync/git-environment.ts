// What git is called with in its environment: the user's own, so that their keys and helpers serve, but never a question to anybody. Pure.

type Environment = Readonly<Record<string, string | undefined>>;

/** Of a hook that started us, and of the repository that it belongs to: `git rev-parse --local-env-vars`, without settings, which are people's own. */
const ofOthers: ReadonlySet<string> = new Set([
  "GIT_ALTERNATE_OBJECT_DIRECTORIES",
  "GIT_COMMON_DIR",
  "GIT_DIR",
  "GIT_GRAFT_FILE",
  "GIT_IMPLICIT_WORK_TREE",
  "GIT_INDEX_FILE",
  "GIT_INTERNAL_SUPER_PREFIX",
  "GIT_NAMESPACE",
  "GIT_NO_REPLACE_OBJECTS",
  "GIT_OBJECT_DIRECTORY",
  "GIT_PREFIX",
  "GIT_QUARANTINE_PATH",
  "GIT_REPLACE_REF_BASE",
  "GIT_SHALLOW_FILE",
  "GIT_WORK_TREE",
]);

/** `ssh` takes the first word on each of them, which is the user's own. A server that has gone silent is given up after half a minute. */
const unattended = "-o BatchMode=yes -o ConnectTimeout=15 -o ServerAliveInterval=10";

/** `sshCommand`: the user's `core.sshCommand`, which git itself does not look at where its environment has a command. */
export function gitEnvironment(own: Environment, sshCommand?: string): Environment {
  const left = Object.entries(own).filter(([name]) => !ofOthers.has(name) && !isOurs(name) && !isWindow(name, own));
  return {
    GCM_INTERACTIVE: "never",
    ...Object.fromEntries(left),
    ...ssh(own, sshCommand),
    GIT_TERMINAL_PROMPT: "0",
    GIT_NO_LAZY_FETCH: "1",
    LC_ALL: "C",
  };
}

/** Ours are nothing to git and to what it calls: the store's password is among them. */
function isOurs(name: string): boolean {
  return name.startsWith("ORCHESTRA_");
}

/** A program that asks a person in a window. Who wants it to be called whatever else there is says so, and has one that knows the answer. */
function isWindow(name: string, own: Environment): boolean {
  return name === "SSH_ASKPASS" && own["SSH_ASKPASS_REQUIRE"] !== "force";
}

/** In the order in which git takes them. Another program than ssh would not understand what it is told. */
function ssh(own: Environment, sshCommand: string | undefined): Environment {
  const command = own["GIT_SSH_COMMAND"] ?? sshCommand ?? (own["GIT_SSH"] === undefined ? "ssh" : undefined);
  if (command === undefined || !/^\s*(\S*\/)?ssh(\s|$)/.test(command)) return {};
  return { GIT_SSH_COMMAND: `${command} ${unattended}` };
}
