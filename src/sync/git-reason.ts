// Why git did not do what it was asked for, in words that say what to do. Pure.
import { withoutSecrets } from "./remote-url.ts";

/** How a call of git ended that failed. */
export interface GitFailure {
  readonly stderr: string;
  /** Absent where it was ended from outside, or never began. */
  readonly exitCode?: number | undefined;
  /** It took longer than it may. */
  readonly late: boolean;
  /** There is no such program. */
  readonly missing: boolean;
  /** It printed more than is read. */
  readonly tooMuch: boolean;
}

/** The first that fits: what is named as "unable to access" says more behind that. `code`: what the pattern has found in its parentheses. */
const reasons: readonly (readonly [RegExp, (where: string, branch: string, code: string) => string])[] = [
  [
    /couldn't find remote ref|Remote branch .* not found/i,
    (where, branch) =>
      `${where} has no branch ${branch} (a tag is none; one with a / in its name is written URL#BRANCH:PATH); push it again, or follow another one`,
  ],
  [
    /Authentication failed|could not read (?:Username|Password)|terminal prompts disabled|Permission denied|access denied|(?:HTTP|error:) 40[13]/i,
    (where) => `${where} does not let this user in; check the SSH key or the credential helper of who runs the sync`,
  ],
  [
    /HOST IDENTIFICATION HAS CHANGED/i,
    (where) =>
      `the SSH key of the host of ${where} is another one than before; if that is meant: ssh-keygen -R HOST, and connect to it once`,
  ],
  [
    /Host key verification failed/i,
    (where) => `the SSH key of the host of ${where} is not known; connect to it once with ssh`,
  ],
  [
    /git-upload-pack: (command )?not found/i,
    (where) => `the host of ${where} has no git, or not where ssh finds it; install it there`,
  ],
  [
    /: \S+: (command )?not found$|cannot run .*: No such file/im,
    () => "the program that git is to call for ssh is not there; check GIT_SSH_COMMAND and core.sshCommand",
  ],
  [/dubious ownership/i, (where) => `${where} belongs to another user; name it in git's safe.directory`],
  [
    /not appear to be a git repository|repository .*(not found|does not exist)|not a git repository/i,
    (where) => `there is no Git repository at ${where}; check its URL`,
  ],
  [
    /certificate (?:problem|verification failed)|certificate subject name/i,
    (where) =>
      `the certificate of the host of ${where} is not trusted here; name who signed it in git's http.sslCAInfo, or check the host's name`,
  ],
  [/returned error: (\d+)/i, (where, _branch, code) => `${where} answers with HTTP ${code}; it is tried again`],
  [
    /Could not resolve|unable to look up/i,
    (where) => `the host of ${where} is not known here; check its name, or this machine's DNS. It is tried again`,
  ],
  [
    /unable to access|Connection (refused|reset|timed out)|unable to connect|Could not read from remote/i,
    (where) => `${where} does not answer; it is tried again`,
  ],
  [/No space left/i, () => "the disk of this machine is full"],
];

/** Whether it met the lock of another git in its repository. */
export function isLocked({ stderr }: GitFailure): boolean {
  return /\.lock': File exists|could not lock config file/i.test(stderr);
}

/** Whether something that should be in its repository is not, or is not whole: what a power cut or a full disk leaves behind. */
export function isDamaged({ stderr }: GitFailure): boolean {
  return damage.test(stderr);
}

const damage =
  /did not send all necessary objects|missing (blob|tree|commit)|(is|are) corrupt|object file .* is empty|loose object|bad (object|ref)|unable to (read tree|resolve reference)|not a (tree|valid) object|inflate: data|index file .* too small|could not parse/i;

/** The format of the remote's hashes, where that is why it did not go with ours. */
export function otherFormat({ stderr }: GitFailure): string | undefined {
  return /mismatched algorithms: client \w+; server (\w+)/.exec(stderr)?.[1];
}

/** `where`: the repository as it is shown. */
export function gitReason(failure: GitFailure, where: string, branch: string): string {
  if (failure.missing) return "git is not installed here, or not on the PATH";
  if (failure.tooMuch) return `${where} has more files there than are read; follow a folder in it`;
  if (failure.late) return `${where} takes too long to answer, or is too large; it is tried again`;
  for (const [pattern, say] of reasons) {
    const found = pattern.exec(failure.stderr);
    if (found) return say(where, branch, found[1] ?? "");
  }
  const lines = failure.stderr.split("\n").map((line) => line.trim());
  const last = lines.findLast((line) => line !== "");
  return `git failed${last === undefined ? "" : `: ${withoutSecrets(last).slice(0, 200)}`}`;
}
