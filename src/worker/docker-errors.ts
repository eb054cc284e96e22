// What Docker says when it says no, as our errors: a template's fault is a RuntimeFailure with a code and what to do,
// an engine that does not answer is `unavailable`. The texts are those of Docker 20.10 to 29.
import { messageOf, OrchestraError } from "../model/errors.ts";
import type { Reason, ReasonCode } from "../model/pod.ts";
import { RuntimeFailure } from "./runtime.ts";

/** A status document has 300 bytes for each pod, so a reason is cut here at the latest. */
const reasonLength = 160;

/** The HTTP status of the engine's answer, or undefined when there was none. */
export function statusOf(error: unknown): number | undefined {
  const status = (error as { statusCode?: unknown } | null)?.statusCode;
  return typeof status === "number" ? status : undefined;
}

/** The engine's own words, without what the client adds around them. */
export function engineText(error: unknown): string {
  const json = (error as { json?: { message?: unknown } } | null)?.json;
  const text = typeof json?.message === "string" ? json.message : messageOf(error);
  const said = text.replace(/^\(HTTP code \d+\) .*? - /s, "");
  return said.replace(/\s+/g, " ").trim();
}

/** A RuntimeFailure whose message fits into a status. */
export function failure(code: ReasonCode, message: string, final: boolean, cause?: unknown): RuntimeFailure {
  return new RuntimeFailure({ code, message: cut(message) } satisfies Reason, final, cause);
}

/** What any call may throw: no answer is `unavailable`, 404 is `not-found`, the rest an engine error that may pass. */
export function engineError(error: unknown): Error {
  if (error instanceof OrchestraError || error instanceof RuntimeFailure) return error;
  const status = statusOf(error);
  if (status === undefined) return unreachable(error);
  if (status === 404) return new OrchestraError("not-found", engineText(error), { cause: error });
  return failure("ENGINE_ERROR", `Docker refuses: ${engineText(error)}`, false, error);
}

/** What `create` may throw, for this image. */
export function createError(error: unknown, image: string): Error {
  const status = statusOf(error);
  const text = engineText(error);
  if (status === 404 && /no such image/i.test(text)) {
    return failure("IMAGE_NOT_PRESENT", `image ${image} is not on this node; build or load it there`, false, error);
  }
  if (status === 400 || (status === 500 && /invalid|must be|minimum|range of CPUs/i.test(text))) {
    return failure("BAD_TEMPLATE", `Docker refuses this container: ${text}`, true, error);
  }
  return status === 404 ? failure("ENGINE_ERROR", `Docker refuses: ${text}`, false, error) : engineError(error);
}

/** What `start` may throw. */
export function startError(error: unknown): Error {
  if (statusOf(error) === undefined) return engineError(error);
  const text = engineText(error);
  if (/port is already allocated|address already in use|ports are not available/i.test(text)) {
    const port = /(?:for|tcp4?6?|udp4?6?) ((?:\d+\.){3}\d+:\d+|\[[^\]]*\]:\d+)/.exec(text)?.[1];
    const what = port === undefined ? "a host port" : `host port ${port}`;
    return failure(
      "PORT_TAKEN",
      `${what} is taken by another program; free it or choose another hostPort`,
      false,
      error,
    );
  }
  // The container is there: what is not found is the network that it was made for.
  if (statusOf(error) === 404 && /network \S+ not found/i.test(text)) {
    return failure("ENGINE_ERROR", `the network of this node was removed: ${text}`, false, error);
  }
  if (statusOf(error) === 409 && /marked for removal|removal .*in progress/i.test(text)) {
    return failure("ENGINE_ERROR", "its container is being removed; a new one is made when it is gone", false, error);
  }
  const command = commandFault(text);
  if (command !== undefined) return failure("BAD_COMMAND", command, true, error);
  if (statusOf(error) === 400 || /unable to find user|no matching entries in passwd/i.test(text)) {
    return failure("BAD_TEMPLATE", `Docker cannot start this container: ${text}`, true, error);
  }
  return engineError(error);
}

/** What the registry said, in a pull's stream or as its answer. */
export function pullError(error: unknown, image: string): Error {
  const status = statusOf(error);
  const text = engineText(error);
  const noAnswer = (error as { code?: unknown } | null)?.code;
  if (status === undefined && typeof noAnswer === "string" && noAnswer.startsWith("E")) return unreachable(error);
  // Docker Hub gives the same answer for "no such repository" and "log in first", so the text names both.
  if (/denied|unauthorized|authentication required|no basic auth|forbidden/i.test(text)) {
    return failure(
      "IMAGE_PULL_DENIED",
      `no access to image ${image}, or it does not exist; check its name or docker login`,
      false,
      error,
    );
  }
  if (/manifest unknown|not found|no such image|repository does not exist|name unknown/i.test(text)) {
    return failure(
      "IMAGE_NOT_FOUND",
      `image ${image} does not exist in its registry; check name and tag`,
      false,
      error,
    );
  }
  if (/no matching manifest|does not match the specified platform/i.test(text)) {
    return failure("IMAGE_NOT_FOUND", `image ${image} is not made for this node's platform`, false, error);
  }
  if (status === 400 && /invalid reference/i.test(text)) {
    return failure("BAD_TEMPLATE", `${image} is not the name of an image`, true, error);
  }
  return failure("IMAGE_PULL_FAILED", `image ${image}: ${text}`, false, error);
}

/** Only what is said of the container's own process: an engine on its way down misses files of its own in the same words. */
function commandFault(text: string): string | undefined {
  if (/no command specified/i.test(text)) return "the image names no command; set command or args";
  if (!/container process/i.test(text)) return undefined;
  if (/chdir to cwd/i.test(text)) return "workingDir cannot be entered in the image; check its spelling and mode";
  const command = /exec: \\?"([^"\\]+)\\?"/.exec(text)?.[1];
  if (command === undefined) return undefined;
  if (/permission denied/i.test(text)) return `command ${command} may not be executed; check its mode and user`;
  if (/exec format error/i.test(text)) return `command ${command} is made for another platform`;
  return `command ${command} is not in the image; check command and args`;
}

function unreachable(error: unknown): OrchestraError {
  const code = (error as { code?: unknown } | null)?.code;
  const hint =
    code === "EACCES"
      ? "run as root or as a member of the group docker"
      : "start the engine (systemctl start docker) or set DOCKER_HOST";
  return new OrchestraError("unavailable", `Docker does not answer: ${messageOf(error)}`, { hint, cause: error });
}

function cut(text: string): string {
  return text.length <= reasonLength ? text : `${text.slice(0, reasonLength - 1)}…`;
}
