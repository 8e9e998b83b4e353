// Which names does an address have? What no page asks for is most likely misspelled, and is said: it would change nothing, silently.
import type { Params } from "./address";
import { ASKED as OF_ATTENTION } from "./attention";
import { NAMES as OF_DATA } from "./data";
import { QUESTION as OF_PATCHING } from "./patching";
import { ASKED as OF_POSITION } from "./position";
import { OF_PAGE, OF_SETS } from "./rashomon";
import { ASKED as OF_RULES } from "./rules";
import { OF_LISTS } from "./runs";
import { shared } from "./session.svelte";

const KNOWN: ReadonlySet<string> = new Set([
  ...shared, ...OF_ATTENTION, ...OF_DATA, ...OF_PATCHING, ...OF_POSITION, ...OF_PAGE, ...OF_SETS, ...OF_RULES, ...OF_LISTS,
  // Of saved explanations, of one row, of trees.
  "explanation", "values", "row", "set", "hold", "up", "down", "cut", "where", "tree", "depth", "node", "by", "from",
  // Of rules in a file, of a count, of a grid, of a posting.
  "rules", "off", "count", "run", "verify", "cell", "requirement",
  // Of runs, of a comparison.
  "other", "mark", "output", "left", "right",
]);

/** Names in an address that no page knows. */
export function unknown(params: Params): string[] {
  return [...new Set(params.map(([name]) => name))].filter((name) => !KNOWN.has(name));
}
