// Kubernetes quantities (kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity):
// cpu in cores or `m`, memory in bytes with a decimal (k M G T P E) or binary (Ki Mi Gi Ti Pi Ei) suffix.
// Both have one canonical spelling, so that `1` and `1000m`, or `1Gi` and `1024Mi`, never count as a change.

const binaryUnits = ["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"] as const;
const decimalUnits = ["k", "M", "G", "T", "P", "E"] as const;

/** Milli-cores of a cpu quantity (`250m`, `1`, `0.5`, `1.5`), or undefined when it is not one or is finer than 1m. */
export function parseCpu(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(m?)$/.exec(text);
  if (!match) return undefined;
  const value = Number(match[1]) * (match[2] === "m" ? 1 : 1000);
  const milli = Math.round(value);
  // Floating point noise (0.1 * 1000) is allowed for; a real fraction of a milli-core is not.
  return Math.abs(value - milli) < 1e-6 && Number.isSafeInteger(milli) ? milli : undefined;
}

/** Bytes of a memory quantity (`128Mi`, `1G`, `1.5Gi`, `1048576`), or undefined when it is not one or is no whole number of bytes. */
export function parseMemory(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(Ki|Mi|Gi|Ti|Pi|Ei|k|M|G|T|P|E)?$/.exec(text);
  if (!match) return undefined;
  const bytes = Number(match[1]) * unitSize(match[2]);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}

/** The canonical spelling of milli-cores: whole cores without a suffix, else `m`. */
export function formatCpu(milli: number): string {
  return milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`;
}

/** The canonical spelling of bytes: the largest binary suffix that is exact, else plain bytes. */
export function formatMemory(bytes: number): string {
  for (let power = binaryUnits.length; power > 0; power -= 1) {
    const size = 1024 ** power;
    if (bytes >= size && bytes % size === 0) return `${bytes / size}${binaryUnits[power - 1]}`;
  }
  return String(bytes);
}

function unitSize(unit: string | undefined): number {
  if (unit === undefined) return 1;
  const binary = binaryUnits.indexOf(unit as (typeof binaryUnits)[number]);
  if (binary >= 0) return 1024 ** (binary + 1);
  return 1000 ** (decimalUnits.indexOf(unit as (typeof decimalUnits)[number]) + 1);
}
