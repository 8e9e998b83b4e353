// What is asked of rules, what is answered, and what may be said of it? Types of `/api/rules` and what the page works out of them.
import { only, type Changes, type Params } from "./address";
import type { Figure, Job } from "./api";
import { counted, pretty } from "./format";

export const PATH = "/api/rules";
export const VERIFY = "/api/rules/verify";

/** What the address says of a search. */
export const ASKED = [
  "data", "target", "positive", "weights", "lambda", "cost", "max_conditions", "min_support", "bins", "groups", "max_rules", "max_size", "require", "drop",
  "exclude_empty", "seconds",
] as const;
/** With a file of rules, and rules that are switched off. */
export const NAMES = [...ASKED, "rules", "off"];

/** What holds where the address says nothing, as the command has it. */
export const USUAL = { lambda: "1/100", cost: "1:1", max_conditions: "2", min_support: "0.01", bins: "5", groups: "0", max_rules: "500", seconds: "20" } as const;

/** Prices of a rule that the steps go through, from low to high. */
export const LAMBDAS = ["1/1000", "1/500", "1/200", "1/100", "1/50", "1/20", "1/10"] as const;

/** An exact fraction, and about what it is. */
export interface Fraction {
  text: string;
  value: number | null;
}

export interface RuleOfSet {
  text: string;
  conditions: string[];
  covered: number;
  positives: number;
  precision: number | null;
  /** Wilson's, 95 %. */
  interval: [number, number];
  /** Rows that no other rule of the whole set covers. */
  only_here: number;
  off: boolean;
}

export interface Proof {
  proven: boolean;
  sentence: string;
  objective: Fraction;
  lower_bound: Fraction;
  gap: Fraction;
  /** How many sets are as good, in digits; null where that is not proven. */
  n_optimal: string | null;
  nodes: number;
  seconds: number;
  candidates: number;
  rows: number;
  /** Weight of all rows and of the positive ones. */
  weight: [number, number];
  lambda: Fraction;
  /** Of a false positive and of a false negative. */
  costs: [number, number];
  hash: string;
}

export interface Target {
  name: string;
  values: { value: string; rows: number }[];
}

/** Asked at /api/rules with the names of `ASKED`, `rules` (a file) and `off` (a rule's number, repeated). A job. */
export interface RulesAnswer {
  schema: "pellucid.workbench.rules/1";
  data: string;
  rules_file: string | null;
  target: string;
  positive: string;
  default: string;
  targets: Target[];
  columns: string[];
  n_classes: number;
  /** Whether the rows are those that the certificate is about. */
  own_rows: boolean;
  words: string[];
  table: Figure;
  rules: RuleOfSet[];
  /** Weights of rows: first by what they are, then by what is predicted; 0 is the default. */
  confusion: [[number, number], [number, number]];
  total: number;
  /** Of a search. */
  curve: Figure | null;
  certificate: Proof;
  /** The text of `rules.json`. */
  file: string;
  command: string;
  python: string | null;
  notes: string[];
}

/** Asked at /api/rules/verify like /api/rules. A verdict a class. */
export interface VerifyAnswer {
  schema: "pellucid.workbench.rules_verify/1";
  verdicts: { verdict: "proven" | "refuted" | "unproven"; reason: string }[];
  seconds: number;
}

/** A search tells what it knows so far. */
export function knownOf(job: Job): { best: number | null; bound: number | null } | undefined {
  return (job as Job & { detail?: { best: number | null; bound: number | null } | null }).detail ?? undefined;
}

/** What is sent. An empty `rules` is that of an address that wants to learn, though a file was opened. */
export function sent(params: Params): Params {
  const names = params.some(([name, value]) => name === "rules" && value !== "") ? ["data", "rules", "off", "seconds"] : [...ASKED, "off"];
  return only(params, names);
}

/** Another question has other rules: those that were switched off are forgotten. What is usual is not said. */
export function asks(name: string, value: string): Changes {
  const usual = (USUAL as Record<string, string>)[name];
  return { [name]: value === "" || value === usual ? null : value, off: null };
}

/** Another table is another question altogether. */
export const NEW_TABLE: Changes = Object.fromEntries([...ASKED, "off"].map((name) => [name, null]));

/** The target that is meant where none is said: the last of two values, else the last of few. */
export function usualTarget(targets: readonly Target[]): string | undefined {
  return (targets.findLast((target) => target.values.length === 2) ?? targets.at(-1))?.name;
}

/** The next price of a rule below or above one, of those that the steps go through. */
export function stepped(lambda: string, by: -1 | 1): string | undefined {
  const value = valueOf(lambda);
  if (by > 0) return LAMBDAS.find((step) => valueOf(step) > value * (1 + 1e-9));
  return LAMBDAS.findLast((step) => valueOf(step) < value * (1 - 1e-9));
}

function valueOf(fraction: string): number {
  const [above = "", below = "1"] = fraction.split("/");
  return Number(above) / Number(below);
}

/** `103/500 (0.206)`; a whole number is said once. */
export function both({ text, value }: Fraction): string {
  return value === null || Number.isInteger(value) ? text : `${text} (${pretty(value, 5)})`;
}

/** What may be said of the set on the page. Only `proven` may look like a proof. */
export interface Status {
  kind: "proven" | "claimed" | "bounded" | "changed" | "other" | "refuted";
  symbol: string;
  text: string;
}

export function statusOf(shown: RulesAnswer, checked: VerifyAnswer | undefined): Status {
  const { certificate } = shown;
  const off = shown.rules.filter((rule) => rule.off).length;
  if (!shown.own_rows) return { kind: "other", symbol: "≠", text: "Not about these rows: nothing is proven here" };
  if (checked?.verdicts.some(({ verdict }) => verdict === "refuted")) return { kind: "refuted", symbol: "✗", text: "Refuted by the independent check" };
  if (off > 0) return { kind: "changed", symbol: "≠", text: `Not this set: ${counted(off, "rule")} switched off` };
  if (!certificate.proven) return { kind: "bounded", symbol: "≤", text: `Not proven: gap ${both(certificate.gap)}` };
  const holds = checked?.verdicts.every(({ verdict }) => verdict === "proven");
  if (shown.rules_file !== null && !holds) return { kind: "claimed", symbol: "?", text: "Proven optimal, says the file" };
  return { kind: "proven", symbol: "✓", text: "Proven optimal" };
}

/** The finding, where it is short enough for a title. */
export function titleOf(shown: RulesAnswer): string {
  const finding = shown.words[0]?.replace(/\.$/, "") ?? "";
  const on = shown.rules.filter((rule) => !rule.off).length;
  return finding.length <= 110 ? finding : `${counted(on, "rule")} predict ${shown.target} = ${shown.positive}`;
}
