// Which pages are there? A new page is a file in `pages/` and a line here.
import type { Component } from "svelte";
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
import type { Place } from "./place.svelte";

export interface Page {
  name: string;
  title: string;
  /** What it answers. */
  question: string;
  component: Component<{ place: Place }>;
  /** Whether it is there only where a server answers. */
  live?: true;
}

export const pages: readonly Page[] = [
  { name: "row", title: "Explain row", question: "Why was this row predicted so, and what would change it?", component: Row },
  { name: "global", title: "Explain global", question: "What moves the model over all rows?", component: Global },
  { name: "rules", title: "Rules", question: "Which simple model would do, and what is proven of it?", component: Rules },
  { name: "rashomon", title: "Rashomon set", question: "Which other simple models would do as well, and where do they differ?", component: Rashomon },
  { name: "position", title: "Position", question: "How does the profile fit the posting, and what does that rest on?", component: Position },
  { name: "patching", title: "Patching", question: "What in the model carries the difference between two prompts?", component: Patching },
  { name: "attention", title: "Attention and lens", question: "Where does every head look, and what would the model say after each block?", component: Attention },
  { name: "data", title: "Data", question: "What stands in the table, column by column?", component: Data },
  { name: "trees", title: "Trees", question: "What do the trees of a model look like?", component: Trees },
  { name: "runs", title: "Runs", question: "What was done before, and how is it done again?", component: Runs },
  { name: "jobs", title: "Jobs", question: "What is being worked on?", component: Jobs, live: true },
];
