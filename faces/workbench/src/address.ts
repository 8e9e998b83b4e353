// Where are we? The whole state of a page stands in the address after `#`: `#/row?data=adult&model=adult-xgboost&row=17&set=Age:44`.
//
// The same state has one spelling only, so that answers in an exported file are found by their address: parameters sorted by name, then
// value, and absent where they say nothing.

/** Pairs of name and value; a name may stand several times. */
export type Params = readonly (readonly [string, string])[];

export interface Address {
  page: string;
  params: Params;
}

/** What a parameter becomes: a value, several, or nothing. */
export type Changes = Record<string, string | readonly string[] | null | undefined>;

function inOrder(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function sorted(params: Params): Params {
  return [...params].sort((a, b) => inOrder(a[0], b[0]) || inOrder(a[1], b[1]));
}

/** Parameters as in an address of the server. */
export function query(params: Params): string {
  return new URLSearchParams(sorted(params).map(([name, value]) => [name, value])).toString();
}

export function format(at: Address): string {
  // People read and write these: a colon may stand as it is.
  const text = query(at.params).replaceAll("%3A", ":");
  return `#/${at.page}${text === "" ? "" : `?${text}`}`;
}

export function parse(hash: string): Address {
  const [page = "", text = ""] = split(hash.replace(/^#?\/?/, ""), "?");
  return { page, params: sorted([...new URLSearchParams(text)]) };
}

/** The text before and after the first separator. */
function split(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length)];
}

export function one(params: Params, name: string): string | undefined {
  return params.find((pair) => pair[0] === name)?.[1];
}

export function all(params: Params, name: string): string[] {
  return params.filter((pair) => pair[0] === name).map((pair) => pair[1]);
}

export function changed(params: Params, changes: Changes): Params {
  const kept = params.filter(([name]) => !(name in changes));
  const added = Object.entries(changes).flatMap(([name, value]) =>
    (value == null ? [] : typeof value === "string" ? [value] : value).map((one) => [name, one] as const),
  );
  return sorted([...kept, ...added]);
}

/** A whole number from 0, as it stands in an address; NaN where it is none. */
export function wholeOf(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : NaN;
}

/** Only parameters of these names. */
export function only(params: Params, names: readonly string[]): Params {
  return params.filter(([name]) => names.includes(name));
}

/** What is absent is what the page starts with. */
export function withDefaults(params: Params, defaults: Record<string, string>): Params {
  const absent = Object.entries(defaults).filter(([name]) => one(params, name) === undefined);
  return sorted([...params, ...absent]);
}

/** A feature and a value as they stand in `set=`: the name may have colons itself, so it is known from a list. */
export function setting(text: string, features: readonly string[]): { feature: string; value: string } | undefined {
  const feature = features.filter((name) => text.startsWith(`${name}:`)).sort((a, b) => b.length - a.length)[0];
  return feature === undefined ? undefined : { feature, value: text.slice(feature.length + 1) };
}

/** The page that an address of the server belongs to: `/api/row?row=3` is `#/row?row=3`. */
export function pageOf(asked: string): { name: string; href: string } | undefined {
  const [path = "", query = ""] = asked.split("?");
  const name = /^\/api\/([a-z]+)/.exec(path)?.[1];
  if (name === undefined) return undefined;
  const { page, params } = parse(`#/${name}?${query}`);
  // A count stands on the page of all sets, where a table and seconds would be those of another search.
  if (page === "count") return { name: "rashomon", href: format({ page: "rashomon", params: only(params, ["count"]) }) };
  // The table of a saved explanation has a name of its own in addresses of pages.
  return { name: page, href: format({ page, params: one(params, "explanation") === undefined ? params : renamed(params, "data", "values") }) };
}

function renamed(params: Params, from: string, to: string): Params {
  return params.map(([name, value]) => [name === from ? to : name, value] as const);
}
