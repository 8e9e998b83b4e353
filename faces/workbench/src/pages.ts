// Which pages are there? A new page is a file in `pages/` and a line here.
import type { Component } from "svelte";
import Global from "./pages/global.svelte";
import Position from "./pages/position.svelte";
import Rashomon from "./pages/rashomon.svelte";
import Row from "./pages/row.svelte";
import Rules from "./pages/rules.svelte";
import type { Place } from "./place.svelte";

export interface Page {
  name: string;
  title: string;
  /** What it answers. */
  question: string;
  component: Component<{ place: Place }>;
}

export const pages: readonly Page[] = [
  { name: "row", title: "Explain row", question: "Why was this row predicted so, and what would change it?", component: Row },
  { name: "global", title: "Explain global", question: "What moves the model over all rows?", component: Global },
  { name: "rules", title: "Rules", question: "Which simple model would do, and what is proven of it?", component: Rules },
  { name: "rashomon", title: "Rashomon set", question: "Which other simple models would do as well, and where do they differ?", component: Rashomon },
  { name: "position", title: "Position", question: "How does the profile fit the posting, and what does that rest on?", component: Position },
];
