// Which pages are there? A new page is a file in `pages/`, which says the names that it asks for, and a line here.
import type { Component } from "svelte";
import { one, type Params } from "./address";
import { OF_GLOBAL, OF_ROW } from "./api";
import { NAMES as OF_ATTENTION } from "./attention";
import { NAMES as OF_DATA } from "./data";
import Global from "./pages/global.svelte";
import Position from "./pages/position.svelte";
import Rashomon from "./pages/rashomon.svelte";
import Row from "./pages/row_of.svelte";
import Rules from "./pages/rules.svelte";
import Patching from "./pages/patching.svelte";
import Attention from "./pages/attention.svelte";
import Data from "./pages/data.svelte";
import Trees from "./pages/trees.svelte";
import Runs from "./pages/runs.svelte";
import Jobs from "./pages/jobs.svelte";
import { NAMES as OF_PATCHING } from "./patching";
import type { Place } from "./place.svelte";
import { NAMES as OF_POSITION } from "./position";
import { NAMES as OF_RASHOMON } from "./rashomon";
import { NAMES as OF_RULES } from "./rules";
import { NAMES as OF_RUNS } from "./runs";
import { OF_SAVED } from "./saved";
import { NAMES as OF_TREES } from "./trees";

export interface Page {
  name: string;
  title: string;
  /** What it answers. */
  question: string;
  component: Component<{ place: Place }>;
  /** Names of its address that change something on it, or nothing would tell of a misspelled one. */
  asks: readonly string[];
  /** Those of them that count at an address, where not all do. */
  asksAt?: (params: Params) => readonly string[];
  /** Whether it is there only where a server answers. */
  live?: true;
}

/** A saved explanation is asked for other things than what is explained now. */
function ofFile(saved: readonly string[], now: readonly string[]): (params: Params) => readonly string[] {
  return (params) => (one(params, "explanation") === undefined ? now : saved);
}

export const pages: readonly Page[] = [
  { name: "row", title: "Explain row", question: "Why was this row predicted so, and what would change it?", component: Row, asks: [...OF_ROW, ...OF_SAVED, "by"], asksAt: ofFile([...OF_SAVED, "row", "output"], [...OF_ROW, "by"]) },
  { name: "global", title: "Explain global", question: "What moves the model over all rows?", component: Global, asks: [...OF_GLOBAL, ...OF_SAVED], asksAt: ofFile([...OF_SAVED, "output", "feature"], OF_GLOBAL) },
  { name: "rules", title: "Rules", question: "Which simple model would do, and what is proven of it?", component: Rules, asks: OF_RULES },
  { name: "rashomon", title: "Rashomon set", question: "Which other simple models would do as well, and where do they differ?", component: Rashomon, asks: OF_RASHOMON },
  { name: "position", title: "Position", question: "How does the profile fit the posting, and what does that rest on?", component: Position, asks: OF_POSITION },
  { name: "patching", title: "Patching", question: "What in the model carries the difference between two prompts?", component: Patching, asks: OF_PATCHING },
  { name: "attention", title: "Attention and lens", question: "Where does every head look, and what would the model say after each block?", component: Attention, asks: OF_ATTENTION },
  { name: "data", title: "Data", question: "What stands in the table, column by column?", component: Data, asks: OF_DATA },
  { name: "trees", title: "Trees", question: "What do the trees of a model look like?", component: Trees, asks: OF_TREES },
  { name: "runs", title: "Runs", question: "What was done before, and how is it done again?", component: Runs, asks: OF_RUNS },
  { name: "jobs", title: "Jobs", question: "What is being worked on?", component: Jobs, asks: [], live: true },
];
