// What does the server say of trees? Types of its answer, and how keys walk a drawn tree.
import type { Among, Figure } from "./api";

export const PATH = "/api/trees";
export const NAMES = ["model", "data", "tree", "row", "output", "depth", "node", "by", "from", "where"];

/** A question on a way through a tree. */
export interface Question {
  node: number;
  /** With every digit and category, as the model compares, and rounded. */
  asks: string;
  short: string;
  /** Where missing values go; empty where the library refuses them. */
  missing: string;
  /** The row's own value; null where no row is followed. */
  value: string | null;
  /** The answer that leads on; null at the end. */
  goes: "yes" | "no" | null;
}

export interface NodeOfTree {
  id: number;
  /** Null at the top of the picture. */
  parent: number | null;
  words: string;
  /** Nodes below it that are not drawn. */
  hidden: number;
}

export interface TreeOfList {
  tree: number;
  depth: number;
  leaves: number;
  low: number;
  high: number;
  /** What it asks for most. */
  features: { name: string; splits: number }[];
  /** For the row that is followed. */
  adds: number | null;
}

/** Asked at /api/trees with: model, data and row (a row that is followed), tree, output, depth (levels drawn), node (the top of the picture), by
 *  (number | adds: the order of the list), from (where the list begins). */
export interface TreesAnswer {
  schema: "pellucid.workbench.trees/1";
  model: string;
  data: string | null;
  row: number | null;
  n_rows: number | null;
  among: Among | null;
  outputs: string[];
  output: number;
  unit: string;
  tree: number;
  /** The tree that is shown if none is named, and those beside this one; all of this output. */
  first_tree: number;
  before: number | null;
  after: number | null;
  n_trees: number;
  n_of_output: number;
  depth: number;
  node: number;
  title: string;
  words: string[];
  picture: Figure;
  nodes: NodeOfTree[];
  /** From the root to the node that is looked at; empty at the root. */
  trail: Question[];
  /** The way of the row. */
  way: { questions: Question[]; leaf: number; adds: number | null; share: string | null } | null;
  steps: Figure | null;
  /** Of all trees for the row: `rounding` is what the training library's own sum differs by. */
  sum: { base: number; margin: number; residual: number; library_margin: number | null; rounding: number | null } | null;
  trees: TreeOfList[];
  by: "number" | "adds";
  from: number;
  /** By how often they are asked for. `met`: how often a training row is asked for it, in all trees; null where the file does not say. */
  uses: { name: string; splits: number; trees: number; first: number; met: number | null }[];
  has_covers: boolean;
  command: string;
  python: null;
  notes: string[];
}

/** Where an arrow leads from a node: up to the question before, down to the yes side, along the level; nothing where there is no such node. */
export function step(nodes: readonly NodeOfTree[], from: number, key: string): number | undefined {
  const levels = new Map<number, number>();
  for (const { id, parent } of nodes) levels.set(id, parent === null ? 0 : (levels.get(parent) ?? 0) + 1);
  const level = nodes.filter(({ id }) => levels.get(id) === levels.get(from));
  const at = level.findIndex(({ id }) => id === from);
  switch (key) {
    case "ArrowUp":
      return nodes.find(({ id }) => id === from)?.parent ?? undefined;
    case "ArrowDown":
      return nodes.find(({ parent }) => parent === from)?.id;
    case "ArrowLeft":
      return level[at - 1]?.id;
    case "ArrowRight":
      return level[at + 1]?.id;
    case "Home":
      return nodes[0]?.id;
    default:
      return undefined;
  }
}
