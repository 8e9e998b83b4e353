// Have addresses one spelling, and numbers the one of the pictures?
import { expect, test } from "@playwright/test";
import { changed, format, parse, query, setting, withDefaults } from "../src/address";
import { fit, fitting } from "../src/find";
import { bound, decimalsFor, percent, pretty, signed, signedFixed } from "../src/format";

test("one state has one address", () => {
  const at = parse("#/row?set=b:2&row=17&set=a:1&model=m");
  expect(format(at)).toBe("#/row?model=m&row=17&set=a:1&set=b:2");
  expect(format(parse(format(at)))).toBe(format(at));
  expect(query(at.params)).toBe("model=m&row=17&set=a%3A1&set=b%3A2");
  expect(format({ page: "row", params: changed(at.params, { set: null, row: "18" }) })).toBe("#/row?model=m&row=18");
  expect(withDefaults([["row", "3"]], { row: "0", data: "d" })).toEqual([["data", "d"], ["row", "3"]]);
});

test("names and values may have spaces, colons and signs", () => {
  const params = changed([], { set: ["a:b:c d", "é&=:+1", "x:"] });
  expect(parse(format({ page: "row", params })).params).toEqual(params);
  expect(setting("a:b:c d", ["a", "a:b"])).toEqual({ feature: "a:b", value: "c d" });
  expect(setting("x:", ["x"])).toEqual({ feature: "x", value: "" });
  expect(setting("y:1", ["x"])).toBeUndefined();
});

test("numbers are written as in pictures", () => {
  expect(pretty(-0.47193)).toBe("−0.472");
  expect(pretty(12345.6, 6)).toBe("12\u2009345.6");
  expect(pretty(1234)).toBe("1230");
  expect(pretty(0.00000032)).toBe("3.2·10⁻⁷");
  expect(pretty(9.9996, 3)).toBe("10");
  expect(signed(0.05)).toBe("+0.05");
  expect(percent(0.38412)).toBe("38.4 %");
  expect(percent(0.0004)).toBe("<0.1 %");
  expect(bound(1.1e-16)).toBe("≤ 10⁻¹⁵");
  expect(bound(0)).toBe("0");
  expect(signedFixed(-0.0004, 2)).toBe("0.00");
  expect(decimalsFor([0.123, -0.7])).toBe(3);
});

test("letters find what they begin", () => {
  expect(fit("Explain row", "xyz")).toBeNull();
  const offered = ["Copy address", "age", "Explain global", "Page"].map((title) => ({ group: "", title, run: () => {} }));
  expect(fitting(offered, "age")[0]?.title).toBe("age");
  expect(fitting(offered, "eg")[0]?.title).toBe("Explain global");
  expect(fitting(offered, "")).toHaveLength(4);
});
