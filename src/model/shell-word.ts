// Words of commands that people are told to run: what is printed can be pasted. Pure.

/** `text` as a shell reads it back: as it is where no shell takes anything in it for more, else in quotes, always in one line. */
export function shellWord(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (!/[\u0000-\u001f\u007f]/.test(text)) return `'${text.replaceAll("'", "'\\''")}'`;
  // As bash, ksh, zsh and POSIX since 2024 read it.
  const escaped = text.replace(/[\\']/g, "\\$&").replace(/\p{Cc}/gu, (control) => {
    const code = control.charCodeAt(0);
    return control === "\n" ? "\\n" : control === "\t" ? "\\t" : `\\${code.toString(8).padStart(3, "0")}`;
  });
  return `$'${escaped}'`;
}
