// How is a number written for people? As the pictures write it: a real minus, thin spaces in thousands from five digits on, powers of ten.

const superscripts = "⁰¹²³⁴⁵⁶⁷⁸⁹";

function superscript(n: number): string {
  return String(n)
    .replace("-", "⁻")
    .replace(/\d/g, (digit) => superscripts[Number(digit)] ?? digit);
}

/** Digits in threes, from five on, with a space at which no line breaks. */
export function grouped(text: string): string {
  const [whole = "", rest] = text.split(".");
  const spaced = whole.length < 5 ? whole : whole.replace(/\B(?=(\d{3})+$)/g, "\u202f");
  return rest === undefined ? spaced : `${spaced}.${rest}`;
}

function trimmed(text: string): string {
  return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
}

/** To so many significant digits. */
export function pretty(x: number, digits = 3): string {
  if (Number.isNaN(x)) return "missing";
  const sign = x < 0 ? "−" : "";
  if (!Number.isFinite(x)) return `${sign}∞`;
  if (x === 0) return "0";
  const [mantissa = "", power = "0"] = Math.abs(x).toExponential(digits - 1).split("e");
  const exponent = Number(power);
  if (exponent < -4 || exponent >= 7) return `${sign}${trimmed(mantissa)}·10${superscript(exponent)}`;
  const rounded = Number(`${mantissa}e${power}`);
  return sign + grouped(trimmed(rounded.toFixed(Math.max(digits - 1 - exponent, 0))));
}

/** Numbers that are compared, each with as many decimals: so many digits of the largest. */
export function alike(all: readonly number[], digits: number): string[] {
  const largest = Math.max(...all.map(Math.abs), 0);
  if (!(largest >= 1e-4 && largest < 1e7)) return all.map((x) => pretty(x, digits));
  const decimals = Math.max(digits - 1 - Math.floor(Math.log10(largest)), 0);
  return all.map((x) => {
    const text = Math.abs(x).toFixed(decimals);
    return x < 0 && /[1-9]/.test(text) ? `−${text}` : text;
  });
}

/** With a sign also for what is positive. */
export function signed(x: number, digits = 3): string {
  return x > 0 ? `+${pretty(x, digits)}` : pretty(x, digits);
}

/** For a column: the same number of decimals in every line, so that they can be compared by looking. */
export function signedFixed(x: number, decimals: number): string {
  const text = grouped(Math.abs(x).toFixed(decimals));
  return /[1-9]/.test(text) ? (x < 0 ? "−" : "+") + text : text;
}

/** Decimals that show the largest of some numbers with three digits. */
export function decimalsFor(values: readonly number[]): number {
  const largest = Math.max(...values.map(Math.abs), 0);
  return largest === 0 ? 2 : Math.min(Math.max(2 - Math.floor(Math.log10(largest)), 0), 8);
}

export function percent(share: number): string {
  if (share > 0 && share < 0.001) return "<0.1 %";
  if (share < 1 && share > 0.999) return ">99.9 %";
  return `${(share * 100).toFixed(1)} %`;
}

/** An answer in its unit. */
export function answer(x: number, unit: string): string {
  return unit === "probability" ? percent(x) : pretty(x);
}

/** A residual as the pictures say it: one digit, rounded up. */
export function bound(x: number): string {
  if (x === 0) return "0";
  const text = Math.abs(x).toExponential(0);
  const rounded = Number(text) < Math.abs(x) ? Number(text) + Number(`1e${text.split("e")[1] ?? "0"}`) : Number(text);
  return `≤ ${pretty(rounded, 1)}`;
}

/** A whole number. */
export function count(n: number): string {
  return grouped(String(n));
}

/** A whole number with what is counted. */
export function counted(n: number, one: string, many = `${one}s`): string {
  return `${count(n)} ${n === 1 ? one : many}`;
}

export function seconds(s: number): string {
  return s < 60 ? `${Math.round(s)} s` : `${Math.floor(s / 60)} min ${Math.round(s % 60)} s`;
}

/** `2026-11-27T22:13:13Z` as `2026-11-27 22:13`. */
export const when = (moment: string) => moment.slice(0, 16).replace("T", " ");
/** The same of several, with seconds where minutes repeat. */
export function whens(moments: readonly string[]): string[] {
  const minutes = moments.map(when);
  return moments.map((moment, at) => {
    const minute = when(moment);
    return minutes.some((other, place) => place !== at && other === minute) ? `${minute}:${moment.slice(17, 19)}` : minute;
  });
}

/** A note as a sentence. What begins with a name (`theta=1/0`, `adult.csv:`) keeps it as it is. */
export function sentence(text: string): string {
  const isWord = /^[\p{L}’-]+(?=[ ,;]|$)/u.test(text);
  return (isWord ? text.charAt(0).toUpperCase() + text.slice(1) : text) + (/[.?]$/.test(text) ? "" : ".");
}

/** Part of a command line. */
export function quoted(text: string): string {
  return /^[\w./:=+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
