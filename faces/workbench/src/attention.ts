// What is asked of a transformer's run, and what is answered? Types of `/api/attention` and what the page works out of them.
import { all, changed, one, only, type Changes, type Params } from "./address";
import type { Figure } from "./api";

export const PATH = "/api/attention";

/** Asked at /api/attention with: transformer, text, token (a position), layer | head (`a3.h5`, repeated), score, answer, wrong, from (a position). */
export const NAMES = ["transformer", "text", "token", "layer", "head", "score", "answer", "wrong", "from"] as const;

/** Heads that can be picked. */
export const MOST_HEADS = 9;

/** Where a head looks: a row a token that looks, of the tokens that are shown. */
export interface Pattern {
  /** `a3.h5`, in addresses, too. */
  head: string;
  /** The kind that it is, where it is one. */
  about: string;
  rows: number[][];
}

export interface AttentionAnswer {
  schema: "pellucid.workbench.attention/1";
  transformer: string;
  text: string;
  family: string;
  is_decoder: boolean;
  n_layers: number;
  n_heads: number;
  tokens: { id: number; text: string }[];
  /** The token that is looked from, and after which the answer is taken apart. */
  token: number;
  words: string[];
  scores: { name: string; label: string }[];
  score: string;
  /** A score is null where the text has nothing that such a head could look at. */
  heads: { head: string; about: string; scores: Record<string, number | null> }[];
  /** The block whose heads are drawn, where one is. */
  layer: number | null;
  /** Whether heads were picked one by one. */
  picked: boolean;
  drawn: string[];
  overview: Figure;
  /** Tokens whose attention is shown, those whose lens is, and where the parts before and after begin. */
  window: { first: number; end: number; reads: [number, number]; before: number | null; after: number | null };
  patterns: Pattern[];
  attention: Figure;
  /** An encoder says nothing of a next token. */
  next: { token: string; raw: string; probability: number }[] | null;
  lens: (Figure & { residual: number }) | null;
  parts: { what: string; answer: string; wrong: string | null; given: boolean; value: number; residual: number; figure: Figure } | null;
  command: string;
  python: string;
  notes: string[];
}

export function asking(params: Params, changes: Changes): Params {
  return only(changed(params, changes), NAMES);
}

/** Another text has other tokens: nothing that was said of the old ones holds. */
export function toText(text: string): Changes {
  return { text, token: null, from: null, answer: null, wrong: null };
}

/** Another transformer has other heads and another text to begin with. */
export function toTransformer(id: string, first: string | undefined): Changes {
  return { transformer: id === first ? null : id, text: null, token: null, from: null, answer: null, wrong: null, layer: null, head: null };
}

/** The last token is what the page begins with. A part of the prompt that shows the token stays. */
export function toToken(at: number, shown: AttentionAnswer): Changes {
  const [first, end] = shown.window.reads;
  return { token: at === shown.tokens.length - 1 ? null : String(at), ...(at < first || at >= end ? { from: null } : {}) };
}

/** One head more or one less than what is drawn; without the last one, the best of each kind. */
export function toggled(head: string, shown: AttentionAnswer): Changes {
  const now = shown.drawn;
  const next = now.includes(head) ? now.filter((other) => other !== head) : [...now, head].slice(-MOST_HEADS);
  return { layer: null, head: next.length === 0 ? null : next };
}

/** What a page begins with is not said in its address: where a token comes again and the next one is said, induction. */
export function toScore(name: string, shown: AttentionAnswer): Changes {
  const again = shown.is_decoder && new Set(shown.tokens.map((token) => token.id)).size < shown.tokens.length;
  return { score: name === (again ? "induction" : "previous_token") ? null : name };
}

/** What the choice of heads is: `best`, `layer` with a number, or `picked`. */
export function choiceOf(params: Params): string {
  const layer = one(params, "layer");
  return layer !== undefined ? `layer:${layer}` : all(params, "head").length > 0 ? "picked" : "best";
}

export function toChoice(choice: string, shown: AttentionAnswer): Changes {
  if (choice === "best") return { layer: null, head: null };
  return choice === "picked" ? { layer: null, head: shown.drawn.slice(0, MOST_HEADS) } : { layer: choice.slice("layer:".length), head: null };
}

/** The step of the scale of shades, as pictures have it. */
export function shade(weight: number): number {
  return Math.round(Math.max(0, Math.min(weight, 1)) * 9);
}

/** A share as hundredths; nothing is told from next to nothing. */
export function hundredths(weight: number): string {
  if (weight === 0) return "0";
  const said = Math.round(weight * 100);
  return said === 0 ? "<1" : String(said);
}

/** What of a row goes to tokens before those that are shown. */
export function before(row: readonly number[]): number {
  return Math.max(0, 1 - row.reduce((sum, weight) => sum + weight, 0));
}

/** The lens at the chosen token: layer, position, token of the prompt, what would come next, its probability. */
export function columnOf(shown: AttentionAnswer): string[][] {
  return (shown.lens?.table.rows ?? []).filter((row) => row[1] === String(shown.token));
}
