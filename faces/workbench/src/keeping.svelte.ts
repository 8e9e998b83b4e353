// Can this answer be kept as a run? Where a store of runs was opened. Whoever shows an answer says its address to what stands below it.
import { getContext, setContext } from "svelte";
import type { Answer } from "./answer.svelte";
import { live, type Session } from "./api";
import { post } from "./runs";

const key = Symbol("answer");

export function giveAnswer(answer: () => Answer<unknown>): void {
  setContext(key, answer);
}

/** The answer that this stands below, if it stands below one. */
export function useAnswer(): (() => Answer<unknown>) | undefined {
  return getContext(key);
}

/** The store that runs are kept in. */
export function storeOf(session: Session): string | undefined {
  if (!live) return undefined;
  return session.things.find((thing) => thing.kind === "run" && thing.facts.some(([name, value]) => name === "kind" && value === "a store of runs"))?.id;
}

export interface Kept {
  runs: string;
  run: string;
  folder: string;
  files: string[];
}

export const keep = (address: string, runs: string) => post<Kept>("/api/runs/keep", { address, runs });
