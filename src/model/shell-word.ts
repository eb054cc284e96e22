// A word of a command line as a person can paste it into a shell: a path, a source or a URL that may hold anything. Always one line.

/** `text` as it is where no shell changes it, else quoted for a POSIX shell; with control characters in the form that bash, zsh and ksh read. */
export function shellWord(text: string): string {
  if (/^[\w@%+:,./-]+$/.test(text)) return text;
  const escaped = text.replace(/[\\']/g, "\\$&").replace(unprintable, escapeOf);
  const isPrintable = text.search(unprintable) < 0;
  return isPrintable ? `'${text.replaceAll("'", "'\\''")}'` : `$'${escaped}'`;
}

/** What a terminal would act on, what ends a line, and what turns text around. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g;

const named: Readonly<Record<string, string>> = Object.freeze({ "\n": "\\n", "\r": "\\r", "\t": "\\t" });

function escapeOf(character: string): string {
  const hex = character.charCodeAt(0).toString(16);
  return named[character] ?? (character < "\u0080" ? `\\x${hex.padStart(2, "0")}` : `\\u${hex.padStart(4, "0")}`);
}
