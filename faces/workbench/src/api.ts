// What does the server answer? Types of its JSON, and the one way in which pages ask.
//
// An answer is a function of its address alone. What takes long is a job: the server answers 202 with the job, tells of its progress by
// server-sent events, and answers the same address with the result when the job is done. In an exported file the answers to some addresses
// stand in the page itself.

import { only, query, type Params } from "./address";
import type { Condition } from "./data";

/** A picture with the table behind it. The SVG names its colors by classes, which `theme.css` declares. */
export interface Figure {
  /** What the picture is called in files: `waterfall`. */
  name: string;
  /** What it says, in one sentence. */
  sentence: string;
  /** SVG for at least 720 pixels, and for 380. */
  wide: string;
  narrow: string;
  /** The numbers behind it. */
  table: { names: string[]; rows: string[][] };
}

/** Something that was opened. */
export interface Thing {
  id: string;
  kind: "model" | "table" | "rules" | "document" | "transformer" | "explanation" | "count" | "run" | "report";
  /** The file's name. */
  title: string;
  /** The path as it was given; empty for embedded examples. */
  path: string;
  /** What is in it, as pairs of name and value. */
  facts: [string, string][];
}

/** A page that has something to show, with the things that it shows first. */
export interface PageLink {
  page: string;
  /** Parameters of its address. */
  params: Record<string, string>;
}

export interface Session {
  schema: "pellucid.workbench.session/1";
  version: string;
  things: Thing[];
  pages: PageLink[];
  /** What people should know of what was opened: files that could not be read, columns that were ignored. */
  notes: string[];
}

/** What a feature's value may be, seen in the data. */
export type Domain =
  /** `grid`: values from low to high that a slider stops at. `counts`: rows in equal parts from low to high. */
  | { kind: "number"; low: number; high: number; whole: boolean; grid: number[]; counts: number[] }
  /** `levels`: of `n_levels` all, or those that most rows have; with `find=FEATURE:TEXT` among the `n_found` in which the text stands. */
  | { kind: "category"; levels: string[]; n_levels: number; n_found: number };

export interface FeatureOfRow {
  name: string;
  /** Its value for people; "missing" where there is none. */
  text: string;
  /** As it stands in an address; empty where there is none. */
  raw: string;
  original_raw: string;
  /** The number, or the place among the levels; null where missing. */
  number: number | null;
  /** The same in the row as it stands in the data. */
  original_text: string;
  original: number | null;
  changed: boolean;
  /** Whether rows of the data lack it, so that it may be set to missing. */
  may_be_missing: boolean;
  /** What it adds to the base. */
  adds: number;
  domain: Domain;
  /** The constraint that holds for it: free, held, may only rise, may only fall. */
  constraint: "free" | "held" | "up" | "down";
}

/** What one feature alone can do, within its constraint. */
export interface SingleChange {
  feature: string;
  /** Lowest and highest answer that it reaches (in `answer_unit`), and the values that reach them. */
  low: number;
  low_at: string;
  high: number;
  high_at: string;
  /** The nearest value with the other decision; null if none has. `set` is what goes into the address. */
  turns_at: string | null;
  turns_set: string | null;
  turned_answer: number | null;
}

/** A row of the data that is near. Distances are Gower's: the mean over features of what they differ by, of the range, from 0 to 1. */
export interface Neighbor {
  row: number;
  distance: number;
  answer: number;
  /** Whether it has the other decision. */
  other: boolean;
  /** Features that differ, as `name: value`. */
  differs: string[];
}

/** Where a row stands among those that `where` asks for; null where it asks for none. */
export interface Among {
  where: Condition[];
  n_rows: number;
  is_in: boolean;
  before: number | null;
  after: number | null;
}

export const OF_ROW = ["model", "data", "row", "output", "space", "set", "hold", "up", "down", "cut", "where"];

/** One row explained. Asked at /api/row with the names of `OF_ROW`: space (margin | probability), set (feature:value, repeated; `feature:` is
 *  missing), hold, up, down (feature, repeated), cut (the answer at which the decision changes), where (repeated:
 *  the rows among which it stands). */
export interface RowAnswer {
  schema: "pellucid.workbench.row/1";
  model: string;
  data: string;
  row: number;
  n_rows: number;
  among: Among | null;
  outputs: string[];
  output: number;
  spaces: string[];
  space: string;
  /** What base, margin and adds are measured in. */
  unit: string;
  base: number;
  margin: number;
  /** The probability at the margin, where there is one. */
  probability: number | null;
  residual: number;
  exact: boolean;
  method: string;
  /** The answer that `changes` and `neighbors` speak of: the probability where there is one, else the margin. */
  answer: number;
  answer_unit: string;
  /** Where the decision changes, in `answer_unit`; null where there is no decision. */
  cut: number | null;
  /** In words, a sentence each. */
  words: string[];
  features: FeatureOfRow[];
  /** The row as it stands in the data, where values were changed. */
  before: { margin: number; probability: number | null; answer: number } | null;
  waterfall: Figure;
  force: Figure;
  changes: SingleChange[];
  neighbors: Neighbor[];
  command: string;
  python: string;
  notes: string[];
}

export const OF_GLOBAL = ["model", "data", "output", "space", "feature", "where"];

/** All rows explained. Asked at /api/global with the names of `OF_GLOBAL`: feature (whose dependence is drawn), where (repeated; only these
 *  rows). A job. */
export interface GlobalAnswer {
  schema: "pellucid.workbench.global/1";
  model: string;
  data: string;
  n_rows: number;
  /** Rows of the table, and which of them are explained; absent where a file is shown. */
  n_all?: number;
  where?: { where: string; words: string }[];
  /** Rows that pictures are drawn from. */
  n_shown: number;
  outputs: string[];
  output: number;
  spaces: string[];
  space: string;
  unit: string;
  base: number;
  worst_residual: number;
  exact: boolean;
  method: string;
  words: string[];
  /** By falling importance. */
  features: { name: string; mean_absolute: number; mean: number }[];
  /** The feature whose dependence is drawn. */
  feature: string;
  bar: Figure;
  beeswarm: Figure;
  dependence: Figure;
  heatmap: Figure;
  decision: Figure;
  /** Rows one may want to see: lowest, middle and highest answer. */
  typical: { row: number; answer: number; which: string }[];
  /** What those answers are measured in; `unit` where absent. */
  answer_unit?: string;
  command: string;
  python: string;
  notes: string[];
}

/** Long work. */
export interface Job {
  id: string;
  title: string;
  state: "waiting" | "running" | "done" | "failed" | "cancelled";
  done: number;
  /** How much there is to do, where it is known. */
  total: number | null;
  seconds: number;
}

/** What, where, what to do. */
export class Failure extends Error {
  constructor(
    readonly code: string,
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** The answers of an export, by address; nothing where a server answers. They stand in the file itself, or each in a script beside it. */
interface Frozen {
  addresses: readonly string[];
  has: (address: string) => boolean;
  answer: (address: string) => Promise<unknown>;
}

declare global {
  interface Window {
    pellucidPlaces?: Record<string, number>;
    pellucidAnswers?: unknown[];
  }
}

/** A folder that was exported: `answers/list.js` says which script has which answer. */
function folder(places: Record<string, number>, answers: unknown[]): Frozen {
  const load = (place: number) =>
    new Promise<void>((done, fail) => {
      const script = document.createElement("script");
      script.src = `./answers/${place}.js`;
      script.onload = () => done();
      script.onerror = () => fail(new Failure("no_file", `answers/${place}.js is not beside this page; was the whole archive unpacked?`, 0));
      document.head.append(script);
    });
  const answer = async (address: string) => {
    const place = places[address] as number;
    if (answers[place] === undefined) await load(place);
    return answers[place];
  };
  return { addresses: Object.keys(places), has: (address) => Object.hasOwn(places, address), answer };
}

const frozen: Frozen | undefined = (() => {
  if (window.pellucidPlaces && window.pellucidAnswers) return folder(window.pellucidPlaces, window.pellucidAnswers);
  const island = document.getElementById("pellucid-frozen")?.textContent;
  if (!island) return undefined;
  // Pictures that stand in several answers are there once.
  const read = JSON.parse(island) as { answers: Record<string, unknown>; shared: unknown[] };
  const whole = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(whole);
    if (typeof value !== "object" || value === null) return value;
    if ("$" in value) return read.shared[value.$ as number];
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, whole(inner)]));
  };
  const answers = whole(read.answers) as Record<string, unknown>;
  return { addresses: Object.keys(answers), has: (address) => Object.hasOwn(answers, address), answer: (address) => Promise.resolve(answers[address]) };
})();

/** Whether a server answers. */
export const live = frozen === undefined;

function addressOf(path: string, params: Params): string {
  const text = query(params);
  return text === "" ? path : `${path}?${text}`;
}

/** Whether there is an answer: a server has all, an exported file some. */
export function available(path: string, params: Params): boolean {
  return frozen === undefined || frozen.has(addressOf(path, params));
}

/** The values of one parameter that an exported file has answers for, the others being equal. */
export function frozenValues(path: string, params: Params, name: string): string[] {
  const others = query(params.filter((pair) => pair[0] !== name));
  return (frozen?.addresses ?? []).flatMap((address) => {
    const [its, text] = [address.split("?")[0], address.slice(address.indexOf("?") + 1)];
    const pairs = [...new URLSearchParams(text)];
    if (its !== path || query(pairs.filter((pair) => pair[0] !== name)) !== others) return [];
    return only(pairs, [name]).map((pair) => pair[1]);
  });
}

/** Asks until the answer is there. `onJob` hears of the work where it takes long. */
export async function get<T>(path: string, params: Params, signal: AbortSignal, onJob?: (job: Job) => void): Promise<T> {
  const address = addressOf(path, params);
  if (frozen !== undefined) {
    if (frozen.has(address)) return (await frozen.answer(address)) as T;
    throw new Failure("not_in_export", "this answer is not in the export", 404);
  }
  for (;;) {
    const response = await fetch(address, { signal, headers: { accept: "application/json" } }).catch((error: unknown) => {
      if (signal.aborted) throw error;
      throw new Failure("no_server", "the server does not answer; it may have been stopped", 0);
    });
    if (response.status !== 202) return body<T>(response);
    const { job } = await body<{ job: Job }>(response);
    await finished(job, signal, onJob);
  }
}

/** Stops work; whoever waits for it hears that it was cancelled. */
export async function cancel(job: Job): Promise<void> {
  await fetch(`/api/jobs/${encodeURIComponent(job.id)}/cancel`, { method: "POST" });
}

async function body<T>(response: Response): Promise<T> {
  const json: unknown = await response.json().catch(() => undefined);
  if (response.status < 400 && json !== undefined) return json as T;
  const error = (json as { error?: { code: string; message: string } } | undefined)?.error;
  throw new Failure(error?.code ?? "no_answer", error?.message ?? `the server answered ${response.status} without words`, response.status);
}

function finished(job: Job, signal: AbortSignal, onJob?: (job: Job) => void): Promise<void> {
  onJob?.(job);
  return new Promise((done, fail) => {
    const events = new EventSource(`/api/jobs/${encodeURIComponent(job.id)}/events`);
    const end = (settle: () => void) => {
      events.close();
      settle();
    };
    const data = <T>(event: Event): T => JSON.parse((event as MessageEvent<string>).data || "{}") as T;
    signal.addEventListener("abort", () => end(() => fail(signal.reason as Error)), { once: true });
    events.addEventListener("progress", (event) => onJob?.({ ...job, ...data<Partial<Job>>(event) }));
    events.addEventListener("done", () => end(done));
    events.addEventListener("failed", (event) => {
      const { error } = data<{ error: { code: string; message: string } }>(event);
      end(() => fail(new Failure(error.code, error.message, 500)));
    });
    events.addEventListener("cancelled", () => end(() => fail(new Failure("cancelled", "the work was stopped", 409))));
    // A stream that broke is opened again by the browser. One that was refused is of a job that is over: the address knows how it ended.
    events.addEventListener("error", () => {
      if (events.readyState === EventSource.CLOSED) end(done);
    });
  });
}
