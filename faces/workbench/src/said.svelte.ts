// What is said to people that don't see the page, and shown for a moment to those that do?
import { copy } from "./save";

class Said {
  /** For a screen reader only. */
  quiet = $state("");
  /** Shown as well, until the next. */
  shown = $state("");
  #timer: ReturnType<typeof setTimeout> | undefined;

  say(text: string): void {
    this.quiet = text;
  }

  show(text: string): void {
    this.shown = text;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => (this.shown = ""), 2400);
  }
}

export const said = new Said();

/** Copies a text and says so. */
export async function copyAloud(text: string, what: string): Promise<void> {
  said.show((await copy(text)) ? `${what} copied` : "The browser does not let pages copy");
}
