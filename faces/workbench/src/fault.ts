// Which part of the address does an error speak of? Errors of a parameter begin with it as it stands there (`lambda=x: ...`), or name it.
import type { Failure } from "./api";
import { one, type Params } from "./address";

type Said = Pick<Failure, "message">;

/** The server calls `data` what is `values` in the address of a saved explanation; what is `data` there is of other pages. */
const isOfValues = (params: Params) => one(params, "values") !== undefined;

/** Pairs of the address that are at fault; none where the error names none. */
export function faultsOf(failure: Said | undefined, params: Params): Params {
  if (!failure) return [];
  const said = worded(failure, params);
  const whole = params.filter(([name, value]) => said.startsWith(`${name}=${value}:`) || said.startsWith(`${name} ${value}:`));
  if (whole.length > 0) return whole;
  const begins = /^([a-z_]+)[=:]/.exec(said)?.[1];
  const named = begins ?? (/has no parameter `([^`]+)`/.exec(said) ?? /^`([^`]+)` stands twice/.exec(said) ?? /^the (text) (?:has|is) /.exec(said))?.[1];
  if (named !== undefined) return params.filter(([name]) => name === named);
  const missing = /^no [a-z ]+ `([^`]+)` is open/.exec(said)?.[1];
  return missing === undefined ? [] : params.filter(([, value]) => value === missing);
}

/** The error in words of the address. */
export function worded(failure: Said, params: Params): string {
  return isOfValues(params) ? failure.message.replace(/^data=/, "values=").replaceAll("`data`", "`values`") : failure.message;
}

/** The address without them. */
export function withoutFaults(params: Params, faults: Params): Params {
  return params.filter((pair) => !faults.some(([name, value]) => name === pair[0] && value === pair[1]));
}

/** Whether asking the same again must fail the same way: the address is at fault, be it that what it names is too large. */
export function isOfAddress(failure: Failure, faults: Params): boolean {
  return ["usage", "input", "not_found"].includes(failure.code) || (failure.code === "limit" && faults.length > 0);
}

/** Whether more time may have an answer. */
export function isOfTime(failure: Pick<Failure, "code" | "message">): boolean {
  return failure.code === "limit" && /\bin the given time\b/.test(failure.message);
}

/** A pair as a button says it: a long text by its beginning. */
export function shortOf([name, value]: Params[number]): string {
  return `${name}=${value.length > 48 ? `${value.slice(0, 40).trimEnd()}…` : value}`;
}
