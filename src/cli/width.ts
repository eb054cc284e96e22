// How many columns a text takes on a terminal. Our own, because the package for it costs a fifth of the start of `get`. Pure.

/** Drawn in two columns: East Asian wide and full-width characters, and what is an emoji by itself. */
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u;
/** Drawn over the character before. */
const joined = /[\p{Mark}\p{Format}]/u;

/** Columns of `text`; our own colours take none. */
export function width(text: string): number {
  const plain = withoutColours(text);
  if (/^[\x20-\x7e]*$/.test(plain)) return plain.length;
  let columns = 0;
  for (const character of plain) columns += joined.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return columns;
}

/** Without the colours that `paint` gives; no other control characters ever come as far as here. */
export function withoutColours(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  return text.replace(/\x1b\[\d+m/g, "");
}

/** As much of the text as fits into so many columns, cut with an ellipsis. A text that is cut loses its colours. */
export function fit(text: string, columns: number): string {
  if (width(text) <= columns) return text;
  let kept = "";
  let used = 0;
  for (const character of withoutColours(text)) {
    used += width(character);
    if (used > columns - 1) break;
    kept += character;
  }
  return `${kept}…`;
}
