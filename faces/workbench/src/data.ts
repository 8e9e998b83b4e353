// What does the page of a table hear, and how are rows chosen?
import { all, type Changes, type Params } from "./address";
import type { Figure } from "./api";

export const PATH = "/api/data";
export const NAMES = ["data", "column", "by", "where", "rows_from", "sort"];

interface Written {
  text: string;
  /** Null where JSON has no such number. */
  value: number | null;
}

export interface Column {
  name: string;
  kind: string;
  is_number: boolean;
  n_missing: number;
  /** Numbers that are infinite: they count in the order of values, not in the mean. */
  n_infinite: number;
  n_distinct: number;
  spread: Record<"low" | "quarter" | "median" | "three_quarters" | "high" | "mean", Written> | null;
  common: { text: string; n: number }[];
  /** Rows at each bar of a small picture. */
  small: number[];
  /** What stands out, in words. */
  findings: string[];
}

/** A condition as it stands in the address, and in words. */
export interface Condition {
  where: string;
  words: string;
}

export interface Rows {
  from: number;
  n: number;
  /** Rows of one page. */
  page: number;
  sort: string | null;
  names: string[];
  n_hidden: number;
  numeric: boolean[];
  numbers: number[];
  cells: (string | null)[][];
}

/** A table, column by column. Asked at /api/data with: data, column, by (a column), where (repeated, see `cohort.rs`), rows_from, sort (a column, or
 *  `-` and a column). */
export interface DataAnswer {
  schema: "pellucid.workbench.data/1";
  data: string;
  n_rows: number;
  n_all: number;
  n_columns: number;
  limit: null;
  words: string[];
  where: Condition[];
  /** All conditions in words; empty where all rows are shown. */
  cohort: string;
  columns: Column[];
  choices: string[];
  unread: string[];
  column: Column;
  by: string | null;
  histogram: Figure;
  /** The conditions that rows of a bar or of a group meet. */
  leads: { bars: { name: string; where: string[] }[]; parts: string[][]; missing: string[] };
  rows: Rows;
  command: string;
  python: string | null;
  notes: string[];
}

/** What is known of a table that does not fit into memory. */
export interface TooLarge {
  schema: "pellucid.workbench.data/1";
  data: string;
  n_all: number | null;
  n_columns: number;
  limit: string;
  words: string[];
  columns: { name: string; kind: string }[];
  command: string;
  python: null;
  notes: string[];
}

/** What may be asked of a value. */
export const TESTS = [
  { test: "=", label: "is", text: true },
  { test: "!=", label: "is not", text: true },
  { test: "<", label: "is below", text: false },
  { test: "<=", label: "is at most", text: false },
  { test: ">", label: "is above", text: false },
  { test: ">=", label: "is at least", text: false },
  { test: "missing", label: "is missing", text: true },
  { test: "known", label: "is known", text: true },
] as const;

export function needsValue(test: string): boolean {
  return test !== "missing" && test !== "known";
}

export function condition(column: string, test: string, value: string): string {
  return needsValue(test) ? `${column}:${test}:${value}` : `${column}:${test}`;
}

/** The same rows and these conditions too; the list begins anew. */
export function narrowed(params: Params, conditions: readonly string[]): Changes {
  return { where: [...new Set([...all(params, "where"), ...conditions])], rows_from: null };
}

export function without(params: Params, gone: string): Changes {
  return { where: all(params, "where").filter((other) => other !== gone), rows_from: null };
}

export const ALL_ROWS: Changes = { where: null, rows_from: null };

/** The order after a click on a column: rising, falling, as in the file. */
export function turned(sort: string | null, column: string): string | null {
  return sort === column ? `-${column}` : sort === `-${column}` ? null : column;
}
