// What does the server say of runs and of jobs? Types of its JSON, and how their parts are written.
import type { Changes, Params } from "./address";
import { Failure, type Job } from "./api";
import { count } from "./format";

/** A run as a list shows it. */
export interface RunLine {
  id: string;
  short: string;
  verb: string;
  /** When it began, in UTC, as RFC 3339. */
  started: string;
  seconds: number;
  tags: string[];
  note: string | null;
  /** The first few files, and how many there are. */
  inputs: string[];
  n_inputs: number;
  outputs: string[];
  n_outputs: number;
}

interface Counted {
  name: string;
  n: number;
}

/** Runs of a store. Asked at /api/runs with: runs (which store), verb, tag, text, since, sort, from. */
export interface RunsAnswer {
  schema: "pellucid.workbench.runs/1";
  runs: string;
  store: string;
  /** When the store was read. */
  read: string;
  list: RunLine[];
  n_found: number;
  n_all: number;
  from: number;
  page: number;
  sort: string;
  sorts: string[];
  verbs: Counted[];
  tags: Counted[];
  unreadable: { id: string; reason: string }[];
  n_unreadable: number;
  command: string;
  python: null;
  notes: string[];
}

export interface RunFile {
  role: string;
  path: string;
  sha256: string | null;
  bytes: number | null;
  /** As what it is shown, where it lies in the run's folder. */
  shown: "picture" | "table" | "values" | "text" | null;
  within: boolean;
  /** What was opened from this very place. */
  opened: { kind: "model" | "data" | "rules" | "transformer"; id: string } | null;
}

export interface RunDetail {
  id: string;
  short: string;
  folder: string;
  verb: string;
  version: string;
  started: string;
  seconds: number;
  tags: string[];
  note: string | null;
  /** The command that does it again. */
  again: string;
  /** The address of an answer that was kept. */
  address: string | null;
  inputs: RunFile[];
  outputs: RunFile[];
  options: ValueLine[];
  results: ValueLine[];
  /** The same as JSON, as it stands in the run's file; its beginning where it is long. */
  written: { options: string; results: string };
}

/** One name with its value; a group has its values below it, one deeper. */
export interface ValueLine {
  name: string;
  depth: number;
  kind: "text" | "number" | "nothing" | "group";
  text: string;
}

export interface Difference {
  part: string;
  name: string;
  left: string | null;
  right: string | null;
}

/** One run, or two. Asked at /api/runs with: runs, run, other. */
export interface RunAnswer {
  schema: "pellucid.workbench.run/1";
  runs: string;
  read: string;
  /** Null for a run that was opened by itself. */
  store: string | null;
  version: string;
  run: RunDetail;
  other: RunDetail | null;
  differences: Difference[] | null;
  command: string;
  python: null;
  notes: string[];
}

export type FileState = "same" | "changed" | "gone" | "unknown" | "unreadable";

/** Whether files are what they were. Asked at /api/runs/files with: runs, run. A job. */
export interface StatesAnswer {
  schema: "pellucid.workbench.run_files/1";
  read: string;
  inputs: FileState[];
  outputs: FileState[];
  command: string;
}

/** What stands in a file that came out. Asked at /api/runs/output with: runs, run, output (from 0). */
export interface OutputAnswer {
  schema: "pellucid.workbench.run_output/1";
  name: string;
  kind: "picture" | "table" | "text";
  svg?: string;
  names?: string[];
  rows?: string[][];
  n_rows?: number | null;
  text?: string;
  whole?: boolean;
  command: string;
}

/** Work with the address that asked for it. */
export interface JobLine extends Job {
  asked: string | null;
  error?: { code: string; message: string };
}

export interface JobsAnswer {
  schema: "pellucid.workbench.jobs/1";
  jobs: JobLine[];
  n_running: number;
  n_waiting: number;
  at_once: number;
  most_waiting: number;
  remembered: number;
}

export const PATH = "/api/runs";
export const OF_LISTS = ["runs", "verb", "tag", "text", "since", "sort", "from"] as const;
/** With one run or two, one of its files, and those that are marked in the list. */
export const NAMES = [...OF_LISTS, "run", "other", "output", "mark"];

/** Sends what changes something; work that it waits for is waited for. */
export async function post<T>(path: string, body: object): Promise<T> {
  for (;;) {
    const request = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const response = await fetch(path, request).catch(() => {
      throw new Failure("no_server", "the server does not answer; it may have been stopped", 0);
    });
    const said = (await response.json().catch(() => ({}))) as { job?: JobLine; error?: { code: string; message: string } };
    if (response.status >= 400) throw new Failure(said.error?.code ?? "no_answer", said.error?.message ?? `the server answered ${response.status}`, response.status);
    if (response.status !== 202 || !said.job) return said as T;
    await over(said.job.id);
  }
}

/** Waits until a job is over. How it ended is told by what is asked next. */
async function over(id: string): Promise<void> {
  for (;;) {
    const response = await fetch(`/api/jobs/${encodeURIComponent(id)}`);
    const { job } = (await response.json().catch(() => ({}))) as { job?: JobLine };
    if (!job || (job.state !== "running" && job.state !== "waiting")) return;
    await new Promise((done) => setTimeout(done, 200));
  }
}

/** A moment for a title: `28 November 2026, 22:13`. */
export function dated(moment: string): string {
  const months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
  const [, year = "", month = "", day = ""] = /^(\d{4})-(\d\d)-(\d\d)T/.exec(moment) ?? [];
  const name = months[Number(month) - 1];
  return name === undefined ? moment : `${Number(day)} ${name} ${year}, ${moment.slice(11, 16)}`;
}
export const clock = (moment: string) => moment.slice(11, 19);

export function took(s: number): string {
  return s < 10 ? `${s.toFixed(2)} s` : s < 120 ? `${s.toFixed(0)} s` : `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
}

export function sized(bytes: number): string {
  if (bytes < 1000) return `${count(bytes)} B`;
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** The file's name alone; standard input and output have none. */
export const nameOf = (path: string) => (path === "-" ? "a pipe" : (path.split(/[/\\]/).pop() ?? path));

export const stateWords: Record<FileState, string> = { same: "same", changed: "changed", gone: "gone", unknown: "not known", unreadable: "can't be read" };

/** What became of all files, in a sentence. */
export function statesSentence(states: readonly FileState[]): string {
  const of = (state: FileState) => states.filter((other) => other === state).length;
  if (states.length === 0) return "No file went in or came out.";
  const others = (["changed", "gone", "unknown", "unreadable"] as const).flatMap((state) => (of(state) > 0 ? [`${count(of(state))} ${stateWords[state]}`] : []));
  const [n, same] = [count(states.length), count(of("same"))];
  return others.length === 0 ? `All ${n} files are as they were.` : `Of ${n} files ${same} are as they were; ${others.join(", ")}.`;
}

export const written = (value: string) => (value === "null" ? "not set" : value === "[]" ? "none" : value);

/** Parameters of a list without what is said by absence. */
/** Without filters, from the first page. */
export const ALL_RUNS: Changes = { verb: null, tag: null, text: null, since: null, from: null };
export const filtersOf = (params: Params) => params.filter(([name]) => ["verb", "tag", "text", "since"].includes(name)).length;
