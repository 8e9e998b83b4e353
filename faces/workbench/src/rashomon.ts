// What is asked of all nearly best rule sets, what is answered, and what may be said of it? Types of `/api/rashomon` and what the page works
// out of them.
import { all, changed, one, only, type Changes, type Params } from "./address";
import type { Figure, Job } from "./api";
import { grouped, pretty } from "./format";
import { USUAL, usualTarget, type Fraction, type Target } from "./rules";

export const PATH = "/api/rashomon";

/** What the address says of the rules that are searched. */
const QUESTION = [
  "data", "target", "positive", "weights", "lambda", "cost", "max_conditions", "min_support", "bins", "groups", "max_rules", "max_size", "drop",
  "exclude_empty", "seconds",
] as const;

/** What it says of the sets: how good they must be, when two are one, how many are listed, with what they are compared. */
const OF_SETS = ["theta", "within", "times", "identity", "group", "limit", "use"] as const;

/** What it says of the page alone: two sets that are compared, how the list is sorted and cut. */
const OF_PAGE = ["a", "b", "sort", "most_errors"] as const;

/** All of it, with the count in a file that is shown above. */
export const NAMES = [...QUESTION, ...OF_SETS, ...OF_PAGE, "count"];

/** Another table is another question altogether. */
export const NEW_TABLE: Changes = Object.fromEntries([...QUESTION, ...OF_SETS, ...OF_PAGE].map((name) => [name, null]));

/** Other candidate rules: a set's name is of other rules then. */
const OTHER_RULES = ["target", "positive", "weights", "max_conditions", "min_support", "bins", "groups", "max_rules", "drop"];

/** How far above the best sets may be, from nothing to a lot. */
export const WITHIN = ["0", "1/500", "1/200", "1/100", "1/50", "1/20"] as const;
const USUAL_WITHIN = "1/100";
const USUAL_LIMIT = 30;
export const LIMITS = [USUAL_LIMIT, 100, 500] as const;

/** When two sets are one, in plain words. */
export const IDENTITIES = [
  { value: "subset", label: "have the same rules", says: "Two sets are one when they have the same rules, word for word." },
  { value: "columns", label: "cover the same rows, rule by rule", says: "Of rules that cover the same rows only the first takes part." },
  { value: "predictions", label: "predict the same", says: "Two sets are one when they predict the same for every row. Every set is looked at, which may be slow." },
  { value: "irredundant", label: "cover the same rows, no rule idle", says: "Of equal rules the first takes part, and only sets count in which each rule covers a row that no other rule of the set covers." },
] as const;

/** A set with what it predicts otherwise than the best. */
export interface RuleSetOf {
  /** Its rules' numbers: `3-17`; empty for the empty set. */
  id: string;
  objective: Fraction;
  errors: number;
  size: number;
  rules: string[];
  /** Weight of rows; null where there is no best. */
  differs_from_best: number | null;
}

/** Of sets that were picked so that they differ. */
export interface ChoiceOf extends RuleSetOf {
  /** Rows on which it differs from the nearest of those picked before it. */
  differs_on: number;
}

/** Asked at /api/rashomon with the names of `QUESTION` and `OF_SETS`. A job. */
export interface RashomonAnswer {
  schema: "pellucid.workbench.rashomon/1";
  data: string;
  target: string;
  positive: string;
  default: string;
  targets: Target[];
  columns: string[];
  words: string[];
  /** As digits, which may be more than a number holds. */
  count: string;
  count_shown: string;
  /** Where the search was stopped early: no more sets than these. */
  at_most: string | null;
  exact: boolean;
  theta: Fraction;
  lambda: Fraction;
  best: Fraction | null;
  by_size: { size: number; sets: string }[];
  nodes: number;
  seconds: number;
  candidates: number;
  map: Figure;
  features_used: Figure;
  rules_used: Figure;
  used_features: { name: string; sets: string; share: number | null }[];
  used_rules: { name: string; sets: string; share: number | null }[];
  looked_at: { method: string; exact: boolean; members: number } | null;
  ranges: Figure | null;
  disagreement: Figure | null;
  together: Figure | null;
  fairness: Figure[] | null;
  choices: ChoiceOf[] | null;
  /** The first by objective that use all wanted columns. */
  members: RuleSetOf[];
  /** How many were listed before those without the columns were left out. */
  n_listed: number;
  command: string;
  python: string;
  notes: string[];
}

/** A search tells what it knows so far. */
export function knownOf(job: Job): { theta?: string; count?: string } | undefined {
  return (job as Job & { detail?: { theta?: string; count?: string } | null }).detail ?? undefined;
}

export function sent(params: Params): Params {
  return only(params, [...QUESTION, ...OF_SETS]);
}

/** The page `rules` with the same question. */
export function rulesAt(params: Params): { page: string; params: Params } {
  return { page: "rules", params: only(params, QUESTION) };
}

/** What is usual is not said, and a set's name holds only for the rules that it was given among. */
export function asks(name: string, value: string | readonly string[]): Changes {
  const usual = { ...USUAL, identity: "subset", limit: String(USUAL_LIMIT) } as Record<string, string>;
  const forgotten: Changes = OTHER_RULES.includes(name) ? { a: null, b: null } : {};
  return { ...forgotten, [name]: value === "" || value === usual[name] ? null : value };
}

export function toTarget(name: string, targets: readonly Target[]): Changes {
  return { ...asks("target", name === usualTarget(targets) ? "" : name), positive: null };
}

/** A bound is given in one of three ways. */
export type How = "within" | "times" | "theta";

export function boundOf(params: Params): { how: How; value: string } {
  const how = (["theta", "times"] as const).find((name) => one(params, name) !== undefined) ?? "within";
  return { how, value: one(params, how) ?? USUAL_WITHIN };
}

export function bounds(how: How, value: string): Changes {
  const said = value === "" || (how === "within" && value === USUAL_WITHIN) ? null : value;
  return { theta: null, within: null, times: null, [how]: said };
}

export function limitOf(params: Params): number {
  return Number(one(params, "limit") ?? USUAL_LIMIT);
}

/** The next larger list. */
export function moreThan(limit: number): number | undefined {
  return LIMITS.find((more) => more > limit);
}

export function valueOf(fraction: string): number {
  const [above = "", below = "1"] = fraction.split("/");
  return Number(above) / Number(below);
}

/** The stop of the slider that is nearest. */
export function stopOf(within: string): number {
  const value = valueOf(within);
  const far = WITHIN.map((stop) => Math.abs(valueOf(stop) - value));
  return far.indexOf(Math.min(...far));
}

/** Digits for people, as the server writes them. */
export function digits(text: string): string {
  return text.length > 12 ? pretty(Number(text), 3) : grouped(text);
}

/** About what a fraction is. */
export function decimal({ text, value }: Fraction): string {
  return value === null ? text : pretty(value, 5);
}

/** Whether it is certain that no set is within. */
export function isEmpty(shown: RashomonAnswer): boolean {
  return shown.exact && shown.count === "0";
}

/** The finding, where it is short enough for a title. */
export function titleOf(shown: RashomonAnswer): string {
  const finding = shown.words[0]?.replace(/\.$/, "") ?? "";
  if (isEmpty(shown)) return "No rule set is within the bound";
  if (!shown.exact) return `At least ${shown.count_shown} rule sets are within the bound`;
  return finding.length <= 110 ? finding : `${shown.count_shown} rule sets do about as well`;
}

export type SortBy = "objective" | "size" | "errors" | "differs";

/** How the list is sorted: `-errors` falls. */
export function sortOf(params: Params): { by: SortBy; falls: boolean } {
  const text = one(params, "sort") ?? "objective";
  const by = text.replace(/^-/, "");
  return { by: (["size", "errors", "differs"] as const).find((name) => name === by) ?? "objective", falls: text.startsWith("-") };
}

/** A column that is sorted by already turns around. */
export function sorts(params: Params, by: SortBy): Changes {
  const now = sortOf(params);
  const text = (now.by === by && !now.falls ? "-" : "") + by;
  return { sort: text === "objective" ? null : text };
}

/** The list as the page cuts and sorts it. What is equal stays in the order of the objective. */
export function listed(members: readonly RuleSetOf[], params: Params): RuleSetOf[] {
  const most = Number(one(params, "most_errors") ?? Infinity);
  const { by, falls } = sortOf(params);
  const key = (set: RuleSetOf) => (by === "objective" ? (set.objective.value ?? 0) : by === "differs" ? (set.differs_from_best ?? 0) : set[by]);
  return members.filter((set) => !(set.errors > most)).sort((x, y) => (falls ? key(y) - key(x) : key(x) - key(y)));
}

/** Two sets side by side: those of the address, else the best and the one that differs most from it. */
export function pair(shown: RashomonAnswer, params: Params): { a: RuleSetOf | undefined; b: RuleSetOf | undefined } {
  const known = [...shown.members, ...(shown.choices ?? [])];
  const [first, second] = [...(shown.choices ?? []), ...shown.members].filter((set, at, every) => every.findIndex(({ id }) => id === set.id) === at);
  const named = (name: string, usual: RuleSetOf | undefined) => {
    const id = one(params, name);
    return id === undefined ? usual : known.find((set) => set.id === id);
  };
  return { a: named("a", first), b: named("b", second) };
}

/** One of both becomes another set; they change places where it is the other one. */
export function picks(name: "a" | "b", id: string, now: { a: RuleSetOf | undefined; b: RuleSetOf | undefined }): Changes {
  const other = name === "a" ? "b" : "a";
  const others = now[other]?.id === id ? now[name] : now[other];
  return { [name]: id, [other]: others?.id ?? null };
}

/** On how many rows can two sets differ, by what each differs from the best? Exact where one of both is the best. */
export function differing(a: RuleSetOf, b: RuleSetOf): [number, number] | undefined {
  if (a.differs_from_best === null || b.differs_from_best === null) return undefined;
  return [Math.abs(a.differs_from_best - b.differs_from_best), a.differs_from_best + b.differs_from_best];
}

/** The columns of the list, for files. */
export function tableOf(sets: readonly RuleSetOf[]): Figure["table"] {
  const names = ["set", "objective", "objective (decimal)", "rules", "errors", "rows that differ from the best", "rules as text"];
  const row = (set: RuleSetOf) => [
    set.id, set.objective.text, String(set.objective.value ?? ""), String(set.size), String(set.errors), String(set.differs_from_best ?? ""), set.rules.join(" or "),
  ];
  return { names, rows: sets.map(row) };
}

/** How many filters hold. */
export function filters(params: Params): number {
  return all(params, "use").length + (one(params, "most_errors") === undefined ? 0 : 1);
}

/** Without the filters of the list. */
export const UNFILTERED: Changes = { use: null, most_errors: null };

/** The same question with a bound that has the best in it. */
export function roomier(params: Params): Params {
  return changed(params, bounds("within", USUAL_WITHIN));
}
