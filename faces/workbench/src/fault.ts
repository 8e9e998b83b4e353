// Which part of the address does an error speak of? Errors of a parameter begin with it as it stands there (`lambda=x: ...`), or name it.
import type { Failure } from "./api";
import type { Params } from "./address";

/** Pairs of the address that are at fault; none where the error names none. */
export function faultsOf(failure: Pick<Failure, "message"> | undefined, params: Params): Params {
  if (!failure) return [];
  const said = failure.message;
  const whole = params.filter(([name, value]) => said.startsWith(`${name}=${value}:`));
  if (whole.length > 0) return whole;
  const begins = /^([a-z_]+)[=:]/.exec(said)?.[1];
  const named = begins ?? (/has no parameter `([^`]+)`/.exec(said) ?? /^`([^`]+)` stands twice/.exec(said))?.[1];
  if (named !== undefined) return params.filter(([name]) => name === named);
  const missing = /^no [a-z ]+ `([^`]+)` is open/.exec(said)?.[1];
  return missing === undefined ? [] : params.filter(([, value]) => value === missing);
}

/** The address without them. */
export function withoutFaults(params: Params, faults: Params): Params {
  return params.filter((pair) => !faults.some(([name, value]) => name === pair[0] && value === pair[1]));
}

/** Whether asking the same again must fail the same way. */
export const isOfAddress = (failure: Failure) => ["usage", "input", "not_found"].includes(failure.code);
