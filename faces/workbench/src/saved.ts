// What is answered of explanations and counts that were saved in files? Types of `/api/global?explanation=` and `/api/count`, and what is asked.
import { changed, one, only, withDefaults, type Changes, type Params } from "./address";
import { OF_GLOBAL, OF_ROW, type Figure, type GlobalAnswer, type RowAnswer, type Session } from "./api";
import type { Fraction } from "./rules";
import { startOf, thingsOf } from "./session.svelte";

/** What the address says of a saved explanation: which file, and the table with the values of its features. */
export const OF_SAVED = ["explanation", "values"];

/** A file of values that `pellucid explain` wrote. */
export interface SavedExplanation {
  id: string;
  title: string;
  /** The version of the program that wrote it. */
  version: string;
  model_sha256: string;
  /** Features that were summed up, as the command said it. */
  groups: string | null;
  /** Which part of a job: `2/8`. */
  shard: string | null;
  /** Which rows of the table it holds, in words, where it is not all: they have other numbers in the table. */
  where: string | null;
  /** How many rows the table has, where each row of such a file says which one of them it is. */
  table_rows: number | null;
  /** Absent where only reading the file tells. */
  n_rows: number | null;
  /** How many models are open. */
  others: number;
}

/** All rows explained, now or once. Of a saved explanation `model` is the one that is open and was explained, if any. */
export interface GlobalShown extends Omit<GlobalAnswer, "model" | "data" | "dependence" | "python"> {
  model: string | null;
  data: string | null;
  /** Absent where the feature's values are not known. */
  dependence: Figure | null;
  python: string | null;
  explanation?: SavedExplanation;
}

/**
 * What the page asks after a change. A saved explanation has no model of its own, and a table only where `values` names one: `data` is what
 * other pages look at, and need not be what was explained.
 */
export function globalAsks(session: Session, params: Params, changes: Changes): Params {
  const wanted = changed(params, changes);
  const all = one(wanted, "explanation") === undefined ? withDefaults(wanted, startOf(session, "global")) : wanted;
  if (one(all, "explanation") === undefined) return only(all, OF_GLOBAL);
  return changed(only(all, ["explanation", "output", "feature"]), { data: one(all, "values") });
}

/** What the page of one row asks of a saved explanation, after a change. */
export function rowAsks(session: Session, params: Params, changes: Changes): Params {
  const all = withDefaults(changed(params, changes), startOf(session, "row"));
  return changed(only(all, ["explanation", "row", "output"]), { data: one(all, "values") });
}

/**
 * Whether a row of the file and the row of that number in the table are the same: a table was chosen that has as many rows, which the server
 * checks, and the file holds all of them.
 */
export function hasRowsOf(explanation: SavedExplanation, data: string | null): data is string {
  return data !== null && explanation.where === null && explanation.shard === null && explanation.n_rows !== null;
}

/** Whether its rows can be found in a table: all are there, in its order, or they have their numbers. */
export function isPlaced(explanation: SavedExplanation): boolean {
  return explanation.where === null || explanation.table_rows !== null;
}

/** Another explanation has other features, outputs and rows; those of a model that is open begin with what is open. */
export function toExplanation(id: string): Changes {
  const others = Object.fromEntries([...OF_ROW, ...OF_GLOBAL, "values", "by"].map((name) => [name, null]));
  return { ...others, explanation: id || null };
}

/** Explanations to choose from: what is computed now, where there is a pair for it, and files. */
export function explanations(session: Session): { value: string; label: string }[] {
  const files = thingsOf(session, "explanation").map((thing) => ({ value: thing.id, label: thing.title }));
  const computes = startOf(session, "global").model !== undefined;
  return computes && files.length > 0 ? [{ value: "", label: "computed now" }, ...files] : files;
}

/** One row of a saved explanation. Asked at /api/row with: explanation, row, output, data (whose rows were explained). */
export interface SavedRowAnswer
  extends Pick<
    RowAnswer,
    "row" | "outputs" | "output" | "spaces" | "space" | "unit" | "base" | "margin" | "residual" | "exact" | "method" | "words" | "waterfall" | "force" | "command" | "notes"
  > {
  schema: "pellucid.workbench.saved_row/1";
  /** The model that is open and was explained. */
  model: string | null;
  data: string | null;
  /** Absent where only reading the file tells. */
  n_rows: number | null;
  /** Which row of its table it is, where the file says it. */
  number: number | null;
  /** Where the model is open and has probabilities. */
  probability: number | null;
  /** By falling size; `text` is the feature's own value, where it is known. */
  features: { name: string; text: string | null; adds: number | null }[];
  explanation: SavedExplanation;
  python: string | null;
}

export const COUNT = "/api/count";
export const RECOUNT = "/api/count/verify";

/** Asked at /api/count with: count. */
export interface CountAnswer {
  schema: "pellucid.workbench.count/1";
  count_file: string;
  title: string;
  sentence: string;
  /** As digits, which may be more than a number holds. */
  count: string;
  count_shown: string;
  by_size: { size: number; sets: string; shown: string }[];
  theta: Fraction;
  lambda: Fraction;
  costs: [number, number];
  identity: string;
  max_size: number | null;
  includes_empty: boolean;
  target: string;
  positive: string;
  weights: string | null;
  rows: number;
  weight: [number, number];
  candidates: number;
  conditions: number;
  columns: { name: string; rules: number }[];
  hash: string;
  command: string;
  notes: string[];
}

/** What a count claims, as a page's title. */
export function claimed(count: CountAnswer): string {
  return `A certified count: ${count.count_shown} ${count.count === "1" ? "rule set has" : "rule sets have"} an objective of at most ${count.theta.text}`;
}

/** Asked at /api/count/verify with: count, data, seconds. A job. */
export interface RecountAnswer {
  schema: "pellucid.workbench.count_verify/1";
  verdict: "proven" | "refuted" | "unproven" | "other";
  reason: string;
  seconds: number | null;
  /** Seconds that it was given. */
  limit: number;
  command: string;
}
