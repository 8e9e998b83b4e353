// Which of many was meant, by a few of its letters?

export interface Command {
  /** Where it stands: `Rows`, `Features`. */
  group: string;
  title: string;
  /** A word more, in gray. */
  hint?: string;
  /** Whether it leads to where one is. */
  here?: boolean;
  run: () => void;
}

/** How well letters that were typed fit a title: null if not at all. Beginnings of words and letters in a row are better. */
export function fit(title: string, typed: string): number | null {
  const [text, letters] = [title.toLowerCase(), typed.toLowerCase().replace(/\s+/g, "")];
  let score = 0;
  let from = 0;
  for (const letter of letters) {
    const at = text.indexOf(letter, from);
    if (at < 0) return null;
    const begins = at === 0 || /[\s_:./-]/.test(text[at - 1] ?? " ");
    score += (at === from && from > 0 ? 3 : 0) + (begins ? 2 : 0) - 0.02 * (at - from);
    from = at + 1;
  }
  return score - 0.005 * text.length;
}

/** In which order people expect what fits: a page by its name, then names and their beginnings, then beginnings of words, then letters in order. */
function rank(command: Command, typed: string): number {
  const [title, text] = [command.title.toLowerCase(), typed.trim().toLowerCase().replace(/\s+/g, " ")];
  const isPage = command.group === "Pages";
  if (title === text) return isPage ? 6 : 4;
  if (title.startsWith(text)) return isPage ? 5 : 3;
  const words = title.split(/[\s_:./-]+/);
  let from = 0;
  const begin = text.split(" ").every((part) => {
    const at = words.findIndex((word, place) => place >= from && word.startsWith(part));
    from = at + 1;
    return at >= 0;
  });
  if (begin) return 2;
  return fit(title, typed) === null ? 0 : 1;
}

/** Those that fit, the best first; with nothing typed all of them, in their order. Where one is already comes last. */
export function fitting(offered: readonly Command[], typed: string): Command[] {
  const last = (command: Command) => Number(command.here ?? false);
  if (typed.trim() === "") return [...offered].sort((a, b) => last(a) - last(b));
  return offered
    .map((command) => ({ command, rank: rank(command, typed), score: fit(`${command.title} ${command.hint ?? ""}`, typed) }))
    .filter((found): found is { command: Command; rank: number; score: number } => found.score !== null)
    .sort((a, b) => last(a.command) - last(b.command) || b.rank - a.rank || b.score - a.score)
    .map((found) => found.command);
}
