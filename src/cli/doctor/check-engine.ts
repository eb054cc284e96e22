// doctor: the Docker engine, and what it can do for us.
import { isOrchestraError, messageOf } from "../../model/errors.ts";
import type { EngineInfo, Runtime } from "../../worker/runtime.ts";
import { type Check, fail, ok, warn } from "./checks.ts";

const answerLimitMs = 10_000;

/** `info` is what later checks can use; undefined when the engine does not answer. */
export async function checkEngine(runtime: Runtime): Promise<{ readonly checks: Check[]; readonly info?: EngineInfo }> {
  try {
    const info = await answered(runtime);
    const { version, apiVersion, platform } = info;
    const engine = ok("Docker", `${version}, API ${apiVersion}, ${platform.os}/${platform.arch}`);
    return { checks: [engine, checkLimits(info)], info };
  } catch (error) {
    const mend = (isOrchestraError(error) && error.hint) || "see the log of the Docker engine";
    return { checks: [fail("Docker", messageOf(error), mend)] };
  }
}

/** An engine that hangs accepts the connection and says nothing. */
async function answered(runtime: Runtime): Promise<EngineInfo> {
  const limit = AbortSignal.timeout(answerLimitMs);
  const silence = new Promise<never>((_resolve, reject) => {
    limit.addEventListener("abort", () => reject(new Error(`Docker says nothing for ${answerLimitMs / 1000} s`)), {
      once: true,
    });
  });
  return Promise.race([runtime.info(limit), silence]);
}

/** Where the kernel cannot limit, a container takes what it likes whatever its manifest says. */
function checkLimits({ limits }: EngineInfo): Check {
  const missing = Object.entries(limits).flatMap(([what, enforced]) => (enforced ? [] : [what]));
  if (missing.length === 0) return ok("Limits", "cpu, memory and pids are enforced");
  return warn(
    "Limits",
    `the engine cannot limit ${missing.join(" and ")}: resources of a manifest only count for scheduling`,
    "enable these cgroup controllers (docker info names them; Debian: cgroup_enable=memory swapaccount=1 on the kernel's command line)",
  );
}
