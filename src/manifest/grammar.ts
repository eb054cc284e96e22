// The grammars that a pattern alone cannot explain: names, images, folders, quantities. Each function tells plainly what is wrong. Pure.
import { parseCpu, parseMemory } from "../model/quantity.ts";

/** What is wrong with a text, and what to do; undefined when nothing is. */
export type Complaint = { readonly message: string; readonly hint?: string } | undefined;

const nameLengthLimit = 53;
/** Docker refuses a container with less than this. */
const leastMemoryBytes = 6 * 1024 ** 2;
/** Docker's own least share of a core. */
const leastCpuMilli = 10;
/** More cores than any machine has: a slip of a unit, as `250000` for `250m`. */
const mostCpuMilli = 4_096_000;

/**
 * Names that mean something else in the zone or in every container's search list: `ns` and `hostmaster` belong to the zone itself,
 * `localhost` is every machine's own.
 */
const reservedNames: readonly string[] = ["hostmaster", "localhost", "ns"];

/** A Deployment's name: a DNS label, short enough that `-9999` still fits behind it. */
export function complainAboutName(name: string): Complaint {
  const reason = nameReason(name);
  if (reason === undefined) return undefined;
  const better = slug(name);
  const hint = nameReason(better) === undefined ? `call it ${better}` : "use a DNS label, as web or shop-api";
  return { message: `${shown(name)} ${reason}`, hint };
}

function nameReason(name: string): string | undefined {
  if (name === "") return "is empty";
  if (/[\s\p{Cc}]/u.test(name)) return "has a space, line break or control character in it";
  if (/[A-Z]/.test(name)) return "has upper-case letters, and DNS knows no difference";
  if (name.includes(".")) return "has a dot in it, which DNS would read as two labels";
  if (name.includes("/")) return "has a slash in it";
  if (/[^a-z0-9-]/.test(name)) return 'has something else than lower-case letters, digits and "-" in it';
  if (name.length > nameLengthLimit) return `has ${name.length} characters, and may have ${nameLengthLimit}`;
  if (/^-|-$/.test(name)) return 'begins or ends with "-"';
  if (/^([0-9]+|0x[0-9a-f]*)$/.test(name)) return "would be read as an IP address";
  if (reservedNames.includes(name)) return "is reserved in DNS";
  return undefined;
}

function slug(name: string): string {
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-");
  return plain.slice(0, nameLengthLimit).replaceAll(/^-+|-+$/g, "");
}

const domain =
  /^([A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?$/;
const pathPart = /^[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*$/;

/** An image reference as engines take it: [REGISTRY[:PORT]/]PATH[:TAG][@ALGORITHM:DIGEST]. */
export function complainAboutImage(image: string): Complaint {
  const example = "write it as nginx:1.27 or registry.example:5000/shop/web:2.1";
  if (image === "") return { message: "is empty", hint: example };
  if (/[\s\p{Cc}]/u.test(image))
    return { message: `${shown(image)} has spaces or control characters in it`, hint: example };
  if (/^[a-z]+:\/\//i.test(image))
    return { message: `${shown(image)} is a URL`, hint: "leave out what stands before ://" };
  const [rest = "", digest, ...more] = image.split("@");
  if (more.length > 0 || (digest !== undefined && !/^sha256:[0-9a-f]{64}$|^sha512:[0-9a-f]{128}$/.test(digest))) {
    return { message: `${shown(image)} has no proper digest after "@"`, hint: "write @sha256: and 64 hex digits" };
  }
  const slash = rest.lastIndexOf("/");
  const colon = rest.indexOf(":", slash + 1);
  const name = colon < 0 ? rest : rest.slice(0, colon);
  const tag = colon < 0 ? undefined : rest.slice(colon + 1);
  if (tag !== undefined && !/^\w[\w.-]{0,127}$/.test(tag)) {
    return { message: `${shown(tag)} is no tag`, hint: "use letters, digits, _, . and -, at most 128" };
  }
  return complainAboutImageName(name, example);
}

function complainAboutImageName(name: string, example: string): Complaint {
  const parts = name.split("/");
  const [first = ""] = parts;
  const hasDomain = parts.length > 1 && (/[.:]/.test(first) || first === "localhost" || /[A-Z]/.test(first));
  if (hasDomain && !domain.test(first)) return { message: `${shown(first)} is no registry`, hint: example };
  const path = hasDomain ? parts.slice(1) : parts;
  const wrong = path.find((part) => !pathPart.test(part));
  if (wrong === undefined) {
    return name.length > 255 ? { message: `has a name of ${name.length} characters, and may have 255` } : undefined;
  }
  if (wrong === "") return { message: `${shown(name)} has an empty part`, hint: example };
  const lower = wrong.toLowerCase();
  if (lower !== wrong && pathPart.test(lower)) {
    return { message: `${shown(wrong)} has upper-case letters`, hint: `image names are lower-case: ${lower}` };
  }
  return { message: `${shown(wrong)} is no part of an image's name`, hint: example };
}

/** Where runc can be led out of the container by a working directory (CVE-2024-21626), no service has business. */
export function complainAboutWorkingDir(folder: string): Complaint {
  const parts: string[] = [];
  for (const part of folder.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  const [top] = parts;
  if (top !== "proc" && top !== "sys" && top !== "dev") return undefined;
  return { message: `is below /${top}, which belongs to the kernel`, hint: "choose another folder" };
}

export function complainAboutCpu(text: string): Complaint {
  const milli = parseCpu(text);
  if (milli === undefined) {
    return { message: `${shown(text)} is no amount of cpu`, hint: "write cores or thousandths of one, as 1.5 or 250m" };
  }
  if (milli === 0) return { message: "is 0", hint: "leave cpu out to reserve and limit nothing" };
  if (milli < leastCpuMilli) return { message: `${shown(text)} is less than Docker's least share, ${leastCpuMilli}m` };
  if (milli > mostCpuMilli)
    return { message: `${shown(text)} is more than ${mostCpuMilli / 1000} cores`, hint: "250m is a quarter of a core" };
  return undefined;
}

export function complainAboutMemory(text: string): Complaint {
  const bytes = parseMemory(text);
  if (bytes === undefined) {
    const unit = /^(\d+)\s*([kmgtp])i?b?$/i.exec(text);
    const letter = unit?.[2]?.toUpperCase();
    const hint = unit
      ? `write ${unit[1]}${letter}i (1024s) or ${unit[1]}${letter === "K" ? "k" : letter} (thousands)`
      : "write it as 128Mi or 1Gi";
    return { message: `${shown(text)} is no amount of memory`, hint };
  }
  if (bytes === 0) return { message: "is 0", hint: "leave memory out to reserve and limit nothing" };
  if (bytes < leastMemoryBytes)
    return { message: `${shown(text)} is less than Docker's least, 6Mi`, hint: "128Mi are 128 mebibytes" };
  return undefined;
}

/** A text in quotes, cut where it gets long, without line breaks. */
export function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
}
