// What is asked of a profile and a posting, what is answered, and how is it said? Types of `/api/position` and what the page works out of them.
import { all, changed, one, only, type Changes, type Params } from "./address";

export const PATH = "/api/position";

/** What is sent; which requirement is looked at is the page's own. */
export const ASKED = ["posting", "profile", "as_of", "reject", "confirm", "report"] as const;
export const NAMES = [...ASKED, "requirement"];

export type Status = "met" | "partial" | "claim_only" | "transferable" | "unknown" | "not_found" | "contradicted";

/** In the order in which they are counted. */
export const STATUSES: readonly Status[] = ["met", "partial", "claim_only", "transferable", "unknown", "not_found", "contradicted"];

/** An exact fraction, about what it is, and in percent rounded outward. */
export interface Fraction {
  text: string;
  value: number;
  percent: number;
}

export interface FitOfPosition {
  lo: Fraction;
  hi: Fraction;
  label: string;
  /** The report's words; empty for the fit before. */
  lead: string;
  sentence: string;
  /** The lower end if a requirement alone were shown, the largest first. */
  raises: { requirement: string; lo: Fraction }[];
  /** How much of the width is a requirement's. */
  widens: { requirement: string; by: Fraction }[];
  open_gates: string[];
}

export interface PartOfRequirement {
  depth: number;
  joint: "all" | "any";
  asked: string;
  status: Status;
  words: string;
  because: string;
  rule: string;
  cites: string[];
}

export interface RequirementOfPosting {
  id: string;
  text: string;
  /** In a few words. */
  short: string;
  theme: string;
  strength: "must" | "strong" | "nice" | "inferred";
  insists: string;
  /** Whether it decides by itself and is not part of the fit. */
  gate: boolean;
  place: string;
  status: Status;
  words: string;
  /** The status of the documents as they stand, where it was another. */
  was: Status | null;
  was_words: string | null;
  rule: string;
  because: string;
  /** Facts by their ids. */
  cites: string[];
  near: string[];
  /** Facts that it rested on and that were rejected. */
  rejected: string[];
  parts: PartOfRequirement[];
  credit: [string, string];
  weight: [string, string];
  /** The fact that may be the same: only the person knows. */
  asks: string | null;
  question: string | null;
  probe: string | null;
  step: string | null;
}

export interface FactOfProfile {
  /** Its document and its bytes there. */
  id: string;
  quote: string;
  place: string;
  /** The role that it stands in. */
  role: string | null;
  grade: string | null;
  rejected: boolean;
  /** Requirements that it was confirmed for. */
  confirmed: string[];
}

export interface BlockOfText {
  kind: "heading" | "item" | "paragraph" | "cell";
  level: number;
  place: string;
  /** Whether something is left out before it. */
  gap: boolean;
  /** Its text, cut where marks begin and end; `of` are ids of facts or requirements. */
  pieces: { text: string; of: string[] }[];
}

export interface DocumentOfPosition {
  id: string;
  title: string;
  role: "posting" | "profile";
  blocks: BlockOfText[];
  cut: boolean;
}

/** A line of the report. */
export interface Said {
  lead: string;
  text: string;
}

/** An analysis that `pellucid position` kept in a file: what it was made of, and the rest of its words. */
export interface ReportOfPosition {
  id: string;
  title: string;
  /** The version of the program that wrote it. */
  version: string;
  /** `name` is where it was, `title` what it is called; `open` is the document that is open and has the same hash. */
  inputs: { role: "profile" | "posting" | "notes"; name: string; title: string; sha256: string; open: string | null }[];
  sections: { heading: string; level: number; lines: Said[] }[];
}

/** Asked at /api/position with: report alone, or posting, profile (repeated), as_of, reject (a fact's id, repeated), confirm (`R3:` and a fact's id, repeated). */
export interface PositionAnswer {
  schema: "pellucid.workbench.position/1";
  /** Where it was read from; null where documents were compared now. */
  report: ReportOfPosition | null;
  posting: string;
  profile: string[];
  as_of: string;
  title: string;
  fit: FitOfPosition;
  /** Of the documents as they stand, where the person changed something. */
  before: FitOfPosition | null;
  words: Said[];
  to_settle: Said[];
  requirements: RequirementOfPosting[];
  facts: FactOfProfile[];
  documents: DocumentOfPosition[];
  reviewed: boolean;
  confirmed: { requirement: string; fact: string }[];
  caution: string;
  /** Absent in reports. */
  scored_by: string | null;
  candidates_from: string | null;
  notes: string[];
  command: string;
  python: string | null;
}

/** A report is asked for by itself. */
export function sent(params: Params): Params {
  return only(params, one(params, "report") === undefined ? ASKED : ["report"]);
}

/** Another report, or none for documents that are compared now. */
export function toReport(id: string, first: string | undefined): Changes {
  return { posting: null, profile: null, as_of: null, reject: null, confirm: null, requirement: null, report: id === first || id === "" ? null : id };
}

/** Another posting is another question: what was said of lines is forgotten. */
export function toPosting(id: string, first: string | undefined): Changes {
  return { posting: id === first ? null : id, profile: null, reject: null, confirm: null, requirement: null };
}

/** Documents that are the profile, with one more or one less; all of them is what is usual. */
export function toggledProfile(now: readonly string[], all: readonly string[], id: string): Changes {
  const next = now.includes(id) ? now.filter((one) => one !== id) : all.filter((one) => one === id || now.includes(one));
  return { profile: next.length === all.length ? null : next, reject: null, confirm: null };
}

/** A line that is not true is nothing that could be confirmed. */
export function toggledReject(params: Params, fact: string): Changes {
  const now = all(params, "reject");
  if (now.includes(fact)) return { reject: now.filter((one) => one !== fact) };
  return { reject: [...now, fact], confirm: all(params, "confirm").filter((one) => !one.endsWith(`:${fact}`) || one.indexOf(":") !== one.length - fact.length - 1) };
}

export function toggledConfirm(params: Params, requirement: string, fact: string): Changes {
  const [now, one] = [all(params, "confirm"), `${requirement}:${fact}`];
  return { confirm: now.includes(one) ? now.filter((other) => other !== one) : [...now, one] };
}

/** The address without what the person changed. */
export const AS_THEY_STAND: Changes = { reject: null, confirm: null };

export function asking(params: Params, changes: Changes): Params {
  return sent(changed(params, changes));
}

export function range({ lo, hi }: FitOfPosition): string {
  return lo.percent === hi.percent ? `${lo.percent} %` : `${lo.percent} to ${hi.percent} %`;
}

/** Requirements under the headings of the posting, in its order. */
export function groups(requirements: readonly RequirementOfPosting[]): { theme: string; of: RequirementOfPosting[] }[] {
  const found: { theme: string; of: RequirementOfPosting[] }[] = [];
  for (const requirement of requirements) {
    const own = found.find((group) => group.theme === requirement.theme);
    if (own) own.of.push(requirement);
    else found.push({ theme: requirement.theme, of: [requirement] });
  }
  return found;
}

/** How many have which status, in words of the report. */
export function tally(requirements: readonly RequirementOfPosting[]): { status: Status; words: string; n: number }[] {
  return STATUSES.flatMap((status) => {
    const own = requirements.filter((requirement) => requirement.status === status);
    return own[0] ? [{ status, words: own[0].words, n: own.length }] : [];
  });
}

/** What a screen reader hears when it was computed anew. */
export function heard(shown: PositionAnswer): string {
  const fit = `Fit ${range(shown.fit)}, ${shown.fit.label}.`;
  if (!shown.before) return fit;
  const others = shown.requirements.filter((requirement) => requirement.was !== null);
  const changes = others.map((requirement) => `${requirement.id}, ${requirement.short}: ${requirement.words}, before ${requirement.was_words}.`);
  return [`${fit} Of the documents as they stand it is ${range(shown.before)}.`, ...(changes.length === 0 ? ["No verdict changed."] : changes)].join(" ");
}

/** The part of the caution that is always in sight, and the rest of it. */
export function cautionParts(caution: string): [string, string] {
  const at = caution.indexOf(", and no accuracy");
  return at < 0 ? [caution, ""] : [caution.slice(0, at), caution.slice(at)];
}
