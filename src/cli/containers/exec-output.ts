// What a command in a container writes, on its way to our own output. The engine tells a command that it could not start in the same
// stream, so what begins like that is held back until it is clear which of both it is.
import { Writable } from "node:stream";
import { OrchestraError } from "../../model/errors.ts";
import { oneLine } from "../print.ts";

const engineWords = Buffer.from("OCI runtime exec failed: ");
/** What an engine says is short; more than this a command has written. */
const heldLimitBytes = 4 * 1024;

/** Passes everything on to `target`, whose size it has. The engine's own words stay here until the exit code is known. */
export class ExecOutput extends Writable {
  readonly #target: NodeJS.WriteStream;
  #held: Buffer | undefined = Buffer.alloc(0);

  constructor(target: NodeJS.WriteStream) {
    super();
    this.#target = target;
    target.on("resize", this.#resize);
  }

  get columns(): number {
    return this.#target.columns;
  }

  get rows(): number {
    return this.#target.rows;
  }

  /** Nothing more comes. Writes what was held back, or throws what keeps `command` from being started in the pod. */
  finish(exitCode: number, command: string, pod: string): void {
    this.#target.off("resize", this.#resize);
    const held = this.#held ?? Buffer.alloc(0);
    this.#held = undefined;
    const isRefusal =
      (exitCode === 126 || exitCode === 127) && held.subarray(0, engineWords.length).equals(engineWords);
    if (isRefusal) throw notStarted(held.toString(), command, pod);
    this.#target.write(held);
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const held = this.#held;
    const data = held ? Buffer.concat([held, chunk]) : chunk;
    const common = Math.min(data.length, engineWords.length);
    if (held && data.length < heldLimitBytes && data.subarray(0, common).equals(engineWords.subarray(0, common))) {
      this.#held = data;
      done();
      return;
    }
    this.#held = undefined;
    // A target that cannot be written ends the command by itself: its errors are not ours.
    if (this.#target.write(data)) done();
    else this.#target.once("drain", done);
  }

  readonly #resize = () => {
    this.emit("resize");
  };
}

/** The exit code that a shell gives to a command that is not there, and to one that cannot be run. */
const notFoundCode = 127;
const notRunnableCode = 126;

function notStarted(text: string, command: string, pod: string): OrchestraError {
  const said = oneLine(text.trim()).slice(engineWords.length);
  const about = said.slice(Math.max(0, said.indexOf("exec: ")));
  if (/^exec: .*(?:no such file or directory|executable file not found)/.test(about)) {
    return refusal(notFoundCode, `pod/${pod}: there is no such command in the container: ${command}`, {
      hint: "name a program that its image has; many images have no shell",
    });
  }
  if (/^exec: .*(?:permission denied|is a directory)/.test(about)) {
    return refusal(notRunnableCode, `pod/${pod}: the command cannot be run in the container: ${command}`, {
      hint: "look at its file mode, and whether it is a program at all",
    });
  }
  return refusal(notRunnableCode, `pod/${pod}: the command could not be started: ${said}`, {
    hint: `orchestra why ${pod} tells how the container is`,
  });
}

function refusal(exitCode: number, message: string, { hint }: { readonly hint: string }): OrchestraError {
  return new OrchestraError("invalid", message, { hint, details: { exitCode } });
}
