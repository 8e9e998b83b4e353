// Light or dark? As the system says, unless people chose.
import { recall, remember } from "./memory";

export const themes = ["system", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

function apply(theme: Theme): void {
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

class ThemeChoice {
  #now = $state<Theme>(recall<Theme>("theme", "system"));

  constructor() {
    apply(this.#now);
  }

  get now(): Theme {
    return this.#now;
  }

  set now(theme: Theme) {
    this.#now = theme;
    apply(theme);
    remember("theme", theme);
  }
}

export const theme = new ThemeChoice();

/** Colors of paint classes in one theme, asked of the page's own style sheet. */
export function paints(classes: readonly string[], mode: "light" | "dark"): Map<string, string> {
  const root = document.documentElement;
  const before = root.dataset.theme;
  root.dataset.theme = mode;
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.style.cssText = "position:absolute;width:0;height:0";
  root.append(svg);
  const found = classes.map((name) => {
    const probe = document.createElementNS("http://www.w3.org/2000/svg", "path");
    probe.setAttribute("class", name);
    svg.append(probe);
    const style = getComputedStyle(probe);
    return [name, name.startsWith("l-") ? style.stroke : style.fill] as const;
  });
  svg.remove();
  if (before === undefined) delete root.dataset.theme;
  else root.dataset.theme = before;
  return new Map(found);
}

/** What people see now. */
export function mode(): "light" | "dark" {
  if (theme.now !== "system") return theme.now;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}
