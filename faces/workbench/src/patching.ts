// What is asked of a transformer's two prompts, and what is answered? Types of `/api/patching` and what the page works out of them.
import { changed, one, only, type Changes, type Params } from "./address";
import type { Figure } from "./api";

export const PATH = "/api/patching";

/** What the address says of the prompts and the places. */
const OF_PROMPTS = ["clean", "corrupt", "answer", "wrong", "site", "by", "noising", "with", "metric", "position"] as const;
export const QUESTION = ["transformer", ...OF_PROMPTS] as const;
/** With what it says of the grid, and the place that is looked at. */
export const NAMES = [...QUESTION, "run", "verify", "cell"];

/** A token that may come next, with its probability after each run that there was. */
export interface Next<Run extends string> {
  token: string;
  is: "answer" | "wrong" | null;
  after: Record<Run, number | null>;
}

type Told<Run extends string> = { token: string; is: "answer" | "wrong" | null } & Record<Run, number | null>;

export interface Metric {
  name: string;
  words: string;
  clean: number;
  /** Null where no second prompt is run. */
  corrupt: number | null;
  /** What an effect of 1 is, as a sentence. */
  unit: string;
  is_share: boolean;
}

export interface Plan {
  cells: number;
  skipped: number;
  batches: number;
  multiply_adds: { naive: number; planned: number };
  times_fewer: number;
  peak_bytes: number;
  activation_bytes: number;
  estimated_seconds: number;
}

export interface SiteOf {
  site: string;
  words: string;
  by: string[];
  usual: string;
}

/** The prompts and what the grid would cost. */
export interface PatchingAnswer {
  schema: "pellucid.workbench.patching/1";
  transformer: string;
  name: string;
  model: { family: string; layers: number; heads: number; context: number };
  clean: string;
  corrupt: string | null;
  answer: string | null;
  wrong: string | null;
  with: "other" | "zero";
  direction: "denoising" | "noising" | "ablation";
  position: number;
  site: string;
  site_words: string;
  by: string;
  tokens: { clean: string[]; corrupt: string[] | null; differ: number[] };
  sites: SiteOf[];
  next: Told<"clean" | "corrupt">[];
  /** Why these prompts are not patched; null where they can be. */
  trouble: string | null;
  metric: Metric | null;
  plan: Plan | null;
  command: string;
  python: string;
  notes: string[];
}

/** The grid. Asked with `run=1`. A job. */
export interface GridAnswer {
  schema: "pellucid.workbench.patching_grid/1";
  transformer: string;
  site: string;
  by: string;
  direction: string;
  metric: Metric;
  figure: Figure;
  words: string;
  /** In the picture's order. */
  grid: { cell: string; name: string; layer: number; position: number | null; head: number | null; effect: number; metric: number }[];
  verified: { cells: number; largest_difference: number };
  verified_share: number;
  cells: number;
  skipped: number;
  command: string;
  python: string;
  notes: string[];
}

/** One place. Asked with `cell=LAYER:POSITION:HEAD`. */
export interface CellAnswer {
  schema: "pellucid.workbench.patching_cell/1";
  transformer: string;
  site: string;
  cell: string;
  layer: number;
  position: number | null;
  head: number | null;
  token: string | null;
  /** Whether nothing had to be run, as the place changes nothing. */
  skipped: boolean;
  metric: Metric;
  value: number;
  effect: number;
  /** Whether it can't be told from 0 by a model that computes with 32 bits. */
  is_rounding: boolean;
  doing: [string, string];
  next: Told<"now" | "before" | "other">[];
  command: string;
  python: string;
  notes: string[];
}

/** What a cell stands for. */
export const BYS: Record<string, string> = {
  "layer-position": "block and token",
  "layer-head": "block and head",
  layer: "block",
  "layer-position-head": "block, token and head",
};

/** What is put in where. */
export const WAYS = [
  { value: "denoising", label: "clean values into the corrupt run", says: "Shows what is enough for the answer." },
  { value: "noising", label: "corrupt values into the clean run", says: "Shows what the answer needs." },
  { value: "zero", label: "zeros into the clean run", says: "Shows what the answer needs, against nothing at all." },
] as const;

export const METRICS = [
  { value: "logit-difference", label: "logit, answer − wrong" },
  { value: "logit", label: "logit of the answer" },
  { value: "log-probability", label: "log-probability of the answer" },
  { value: "kl-divergence", label: "distance from the clean answer" },
] as const;

/** Cells that are run again as whole runs. */
export const CHECKS = [
  { value: "", label: "no cell" },
  { value: "0.05", label: "every 20th cell" },
  { value: "1", label: "every cell" },
] as const;

export const question = (params: Params) => only(params, QUESTION);
export const ofGrid = (params: Params) => changed(only(params, [...QUESTION, "verify"]), { run: "1" });
export const ofCell = (params: Params, cell: string) => changed(only(params, QUESTION), { cell });

/** Another model has other words and other places. */
export const toTransformer = (id: string): Changes => ({ transformer: id, ...Object.fromEntries(OF_PROMPTS.map((name) => [name, null])), cell: null });

export function wayOf(params: Params): (typeof WAYS)[number]["value"] {
  if (one(params, "with") === "zero") return "zero";
  return one(params, "noising") === "1" ? "noising" : "denoising";
}

export function toWay(way: string): Changes {
  return { with: way === "zero" ? "zero" : null, noising: way === "noising" ? "1" : null, ...(way === "zero" ? { corrupt: null } : {}) };
}

/** Which of the four is measured: without the wrong token it is the answer's logit. */
export function metricOf(params: Params): string {
  return one(params, "metric") ?? (one(params, "wrong") === "" ? "logit" : "logit-difference");
}

export function toMetric(metric: string, params: Params): Changes {
  const wrong = one(params, "wrong");
  if (metric === "logit-difference") return { metric: null, wrong: wrong === "" ? null : wrong };
  return { metric, wrong: null, ...(metric === "kl-divergence" ? { answer: null } : {}) };
}

export function toSite(site: string, sites: readonly SiteOf[], by: string): Changes {
  const next = sites.find((one) => one.site === site);
  // What a cell stands for stays where it can.
  const kept = next?.by.includes(by) ? by : next?.usual;
  return { site: site === "resid_pre" ? null : site, by: kept === next?.usual ? null : kept, ...(kept === by ? {} : { cell: null }) };
}

export function toBy(by: string, site: SiteOf | undefined): Changes {
  return { by: by === site?.usual ? null : by, cell: null };
}

/** A place in words. */
export function placeName(at: { layer: number; position: number | null; head: number | null; token?: string | null }): string {
  const parts = [at.head === null ? `block ${at.layer}` : `a${at.layer}.h${at.head}`];
  if (at.position !== null) parts.push(at.token == null ? `token ${at.position}` : `${at.token} (token ${at.position})`);
  return parts.join(", ");
}
