// Which names of an address does its page not ask for? They change nothing there; that is said, or it would go unnoticed.
import type { Params } from "./address";
import { pages } from "./pages";
import { SIDES } from "./place.svelte";
import { shared, sharedOf } from "./session.svelte";

const KNOWN: ReadonlySet<string> = new Set([...shared, ...SIDES, ...pages.flatMap((page) => page.asks)]);

/** Names that only other pages ask for, and those that none does, which are misspelled most likely. What goes along from page to page is neither. */
export function unasked(params: Params, page: string, asks: readonly string[]): { elsewhere: string[]; nowhere: string[] } {
  const fine = new Set([...asks, ...sharedOf(params, page).map(([name]) => name)]);
  const names = [...new Set(params.map(([name]) => name))].filter((name) => !fine.has(name));
  return { elsewhere: names.filter((name) => KNOWN.has(name)), nowhere: names.filter((name) => !KNOWN.has(name)) };
}
