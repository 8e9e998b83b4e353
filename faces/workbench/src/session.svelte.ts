// What was opened, and which pages does it have?
import { getContext, setContext } from "svelte";
import { changed, one, only, withDefaults, type Params } from "./address";
import { available, type PageLink, type Session, type Thing } from "./api";
import { quoted } from "./format";

const key = Symbol("session");

export function giveSession(session: () => Session): void {
  setContext(key, session);
}

export function useSession(): () => Session {
  return getContext<() => Session>(key);
}

/** What the page's address starts with. */
export function startOf(session: Session, page: string): PageLink["params"] {
  return session.pages.find((link) => link.page === page)?.params ?? {};
}

export function thingsOf(session: Session, kind: Thing["kind"]): Thing[] {
  return session.things.filter((thing) => thing.kind === kind);
}

/** Whether the row page has an answer for a row as it stands in the data: in an export some have none. */
export function hasRow(session: Session, params: Params): boolean {
  // Of a saved explanation, too.
  if (one(params, "explanation") !== undefined) return available("/api/row", changed(only(params, ["explanation", "output", "row"]), { data: one(params, "values") }));
  const asked = withDefaults(only(params, ["model", "data", "output", "space", "row"]), startOf(session, "row"));
  return available("/api/row", asked);
}

/** The command that opens the same things with a server. */
export function commandOf(session: Session): string {
  return ["pellucid workbench", ...session.things.map((thing) => quoted(thing.path || thing.title))].join(" ");
}

/** Parameters that people expect to hold when they go to another page. */
export const shared = ["model", "data", "output", "space", "feature"] as const;

/** Pages that can be asked of some rows only; another page must not look as if it was. */
const ofRows: readonly string[] = ["data", "global", "row", "trees"];

/** What holds on a page when one comes from another. */
export function sharedOf(params: Params, page = ""): Params {
  // On Runs an output is a file of a run, and none of a model.
  const names: readonly string[] = page === "runs" ? shared.filter((name) => name !== "output") : ofRows.includes(page) ? [...shared, "where"] : shared;
  return params.filter(([name]) => names.includes(name));
}
