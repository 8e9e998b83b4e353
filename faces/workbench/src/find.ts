// Which of many was meant, by a few of its letters?

export interface Command {
  /** Where it stands: `Rows`, `Features`. */
  group: string;
  title: string;
  /** A word more, in gray. */
  hint?: string;
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

/** Those that fit, the best first; with nothing typed all of them, in their order. */
export function fitting(offered: readonly Command[], typed: string): Command[] {
  if (typed.trim() === "") return [...offered];
  return offered
    .map((command) => ({ command, score: fit(`${command.title} ${command.hint ?? ""}`, typed) }))
    .filter((found): found is { command: Command; score: number } => found.score !== null)
    .sort((a, b) => b.score - a.score)
    .map((found) => found.command);
}
