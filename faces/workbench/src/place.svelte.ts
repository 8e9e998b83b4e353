// How does a page move? It is given its parameters and says what changes in them. The window's address is one such place; each half of a
// comparison is another.
import { getContext, setContext } from "svelte";
import { changed, format, parse, type Address, type Changes } from "./address";

/** `push` makes a step that the Back button undoes, `replace` does not. */
export type How = "push" | "replace";

export interface Place {
  readonly at: Address;
  /** Whether it fills the window, and so has the keys and the pin. */
  readonly whole: boolean;
  /** Whether a step back stays in the workbench. */
  readonly canBack: boolean;
  go(at: Address, how?: How): void;
  /** The same page with other parameters. */
  change(changes: Changes, how?: How): void;
}

class WindowPlace implements Place {
  at = $state.raw<Address>(parse(location.hash));
  readonly whole = true;
  /** How many steps of ours lie behind. The browser keeps it with each of them, over a reload, too. */
  #steps = $state(0);

  constructor() {
    this.#arrive(0);
    const arrive = () => {
      this.#arrive(this.#steps + 1);
      this.at = parse(location.hash);
    };
    addEventListener("popstate", arrive);
    addEventListener("hashchange", arrive);
  }

  get canBack(): boolean {
    return this.#steps > 0;
  }

  /** Takes the count of the step that is shown; one that a link made has none yet. */
  #arrive(steps: number): void {
    const known = (history.state as { steps?: number } | null)?.steps;
    this.#steps = known ?? steps;
    if (known === undefined) history.replaceState({ steps }, "");
  }

  go(at: Address, how: How = "push"): void {
    const hash = format(at);
    if (hash === format(this.at) && hash === location.hash) return;
    if (how === "push") this.#steps += 1;
    history[how === "push" ? "pushState" : "replaceState"]({ steps: this.#steps }, "", hash);
    if (at.page !== this.at.page) scrollTo(0, 0);
    this.at = at;
  }

  change(changes: Changes, how: How = "push"): void {
    this.go({ page: this.at.page, params: changed(this.at.params, changes) }, how);
  }
}

export const place: Place = new WindowPlace();

const key = Symbol("place");

export function givePlace(place: () => Place): void {
  setContext(key, place);
}

/** The place that this stands in, on a page. */
export function usePlace(): (() => Place) | undefined {
  return getContext(key);
}

/** The parameters that hold the two pages of a comparison. */
export const SIDES = ["left", "right"] as const;

/** A place inside of another, whose address is one of its parameters. */
export function placeIn(outer: Place, name: string, text: () => string): Place {
  const at = () => parse(text());
  const go = (next: Address, how?: How) => outer.change({ [name]: format(next).slice(1) }, how);
  return {
    whole: false,
    canBack: false,
    get at() {
      return at();
    },
    go,
    change: (changes, how) => go({ page: at().page, params: changed(at().params, changes) }, how),
  };
}
