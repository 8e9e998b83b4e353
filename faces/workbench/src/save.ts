// How does something leave the page? As a file, or by the clipboard.
import type { Figure } from "./api";
import { mode, paints } from "./theme.svelte";

export function save(name: string, content: Blob | string, type = "text/plain"): void {
  const blob = typeof content === "string" ? new Blob([content], { type }) : content;
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Whether it could. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without a secure origin there is the old way only.
    const field = document.createElement("textarea");
    field.value = text;
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    return copied;
  }
}

export function csv(table: Figure["table"]): string {
  const cell = (text: string) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return [table.names, ...table.rows].map((row) => row.map(cell).join(",") + "\r\n").join("");
}

export function json(figure: Figure): string {
  const rows = figure.table.rows.map((row) => Object.fromEntries(figure.table.names.map((name, at) => [name, row[at] ?? null])));
  return JSON.stringify({ figure: figure.name, sentence: figure.sentence, rows }, null, 2) + "\n";
}

/** A picture that needs no page: its colors stand inside. Of one theme, or of both, as its reader is. */
export function standalone(text: string, modes: readonly ("light" | "dark")[]): { svg: string; width: number; height: number } {
  const svg = new DOMParser().parseFromString(text, "image/svg+xml").documentElement;
  const [width, height] = ["width", "height"].map((name) => Number.parseFloat(svg.getAttribute(name) ?? "0")) as [number, number];
  for (const mark of svg.querySelectorAll("[data-go]")) ["data-go", "role", "tabindex", "aria-label"].forEach((name) => mark.removeAttribute(name));
  const classes = [...new Set([...svg.querySelectorAll("[class]")].flatMap((mark) => (mark.getAttribute("class") ?? "").split(/\s+/)))];
  const rules = (of: "light" | "dark") =>
    [...paints(["f-surface", ...classes.filter((name) => /^[fl]-/.test(name))], of)]
      .map(([name, color]) => `.${name}{${name.startsWith("l-") ? "stroke" : "fill"}:${color}}`)
      .join("");
  const style = document.createElementNS(svg.namespaceURI, "style");
  const [first = "light", second] = modes;
  style.textContent =
    `text{font-variant-numeric:tabular-nums}${rules(first)}` + (second ? `@media (prefers-color-scheme:dark){${rules(second)}}` : "");
  const page = document.createElementNS(svg.namespaceURI, "rect");
  const attributes = { width: String(width), height: String(height), class: "f-surface" };
  Object.entries(attributes).forEach(([name, value]) => page.setAttribute(name, value));
  svg.prepend(style, page);
  return { svg: new XMLSerializer().serializeToString(svg), width, height };
}

/** Pixels, twice as many as on the page, in the theme that people see. */
export async function png(text: string): Promise<Blob> {
  const { svg, width, height } = standalone(text, [mode()]);
  const image = new Image(width, height);
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [2 * width, 2 * height];
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("no picture"))), "image/png"));
}
