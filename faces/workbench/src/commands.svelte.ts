// What can be done from here? Whoever is on the screen says what it can do; the palette shows all of it.
import { onDestroy } from "svelte";
import type { Command } from "./find";
import { copyAloud } from "./said.svelte";

/** What can be done, given what was typed: a number may be a row. */
type Source = (typed: string) => Command[];

class Commands {
  #sources = $state.raw<readonly Source[]>([]);

  all(typed: string): Command[] {
    return this.#sources.flatMap((source) => source(typed));
  }

  offer(source: Source): void {
    this.#sources = [...this.#sources, source];
    onDestroy(() => (this.#sources = this.#sources.filter((other) => other !== source)));
  }
}

export const commands = new Commands();

/** How an answer is made again, to be taken along. */
export function copies(command: string, python: string | null): Command[] {
  const of = (what: string, text: string) => ({ group: "Take along", title: `Copy ${what}`, run: () => void copyAloud(text, what) });
  return [of("command", command), ...(python === null ? [] : [of("Python", python)])];
}
