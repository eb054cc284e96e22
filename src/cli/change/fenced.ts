// Free text in Markdown: in a fenced block, where it is neither markup nor a mention of anybody. Pure.

const lineLimit = 300;

/** A block that nothing in it can end; none where there are no lines. Each line is cut at 300 characters. */
export function fenced(language: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const text = lines.map(lineText).join("\n");
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([ticks]) => ticks.length));
  const fence = "`".repeat(longest + 1);
  return [`${fence}${language}`, text, fence, ""];
}

/** The first `limit` of them, and how many more there are. */
export function firstLines(lines: readonly string[], limit: number): readonly string[] {
  const rest = lines.length - limit;
  return rest > 0 ? [...lines.slice(0, limit), `and ${rest} more`] : lines;
}

/** Whole characters: half of one would be none. */
export function cutAt(text: string, limit: number): string {
  return text.length <= limit ? text : `${[...text.slice(0, limit)].slice(0, -1).join("")}…`;
}

/** One line without what moves a cursor or turns text around, which would make a reviewer read something else. */
function lineText(text: string): string {
  const visible = text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    return `\\u{${character.codePointAt(0)?.toString(16)}}`;
  });
  return cutAt(visible, lineLimit);
}
