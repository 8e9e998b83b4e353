// Have addresses one spelling, and numbers the one of the pictures?
import { expect, test } from "@playwright/test";
import { changed, format, pageOf, parse, query, setting, withDefaults } from "../src/address";
import { faultsOf, isOfTime, withoutFaults, worded } from "../src/fault";
import { fit, fitting } from "../src/find";
import { bound, decimalsFor, percent, pretty, sentence, signed, signedFixed, whens } from "../src/format";

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
  expect(pretty(12345.6, 6)).toBe("12\u202f345.6");
  expect(pretty(1234)).toBe("1230");
  expect(pretty(0.00000032)).toBe("3.2·10⁻⁷");
  expect(pretty(9.9996, 3)).toBe("10");
  expect(signed(0.05)).toBe("+0.05");
  expect(percent(0.38412)).toBe("38.4 %");
  expect(percent(0.0004)).toBe("<0.1 %");
  expect(bound(1.1e-16)).toBe("≤ 2·10⁻¹⁶");
  expect(bound(3e-14)).toBe("≤ 3·10⁻¹⁴");
  expect(bound(-9.6e-15)).toBe("≤ 1·10⁻¹⁴");
  expect(bound(0)).toBe("0");
  expect(signedFixed(-0.0004, 2)).toBe("0.00");
  expect(decimalsFor([0.123, -0.7])).toBe(3);
});

test("moments have seconds where minutes repeat", () => {
  expect(whens(["2026-11-28T07:49:03Z", "2026-11-28T07:49:31Z", "2026-11-28T07:50:00Z"])).toEqual(["2026-11-28 07:49:03", "2026-11-28 07:49:31", "2026-11-28 07:50"]);
});

test("letters find what they begin", () => {
  expect(fit("Explain row", "xyz")).toBeNull();
  const offered = ["Copy address", "age", "Explain global", "Page"].map((title) => ({ group: "", title, run: () => {} }));
  expect(fitting(offered, "age")[0]?.title).toBe("age");
  expect(fitting(offered, "eg")[0]?.title).toBe("Explain global");
  expect(fitting(offered, "")).toHaveLength(4);
});

test("pages come first by their names, and the one that is open last", () => {
  const command = (title: string, group: string, here = false) => ({ group, title, here, run: () => {} });
  const offered = [
    command("trees", "Features"),
    command("degree-rules", "Features"),
    command("Rules", "Pages"),
    command("Rashomon set", "Pages"),
    command("Data", "Pages", true),
    command("Trees", "Pages"),
    command("Runs", "Pages"),
    command("drop all terms", "Ask"),
    command("Copy the data address", "Address"),
  ];
  const first = (typed: string) => fitting(offered, typed).map(({ title, group }) => `${group}: ${title}`);
  expect(first("trees").slice(0, 2)).toEqual(["Pages: Trees", "Features: trees"]);
  expect(first("ru").slice(0, 3)).toEqual(["Pages: Runs", "Pages: Rules", "Features: degree-rules"]);
  expect(first("rules")).toEqual(["Pages: Rules", "Features: degree-rules"]);
  // Beginnings of words before letters that are strewn.
  expect(first("d a")[0]).toBe("Address: Copy the data address");
  expect(first("data")).toEqual(["Address: Copy the data address", "Pages: Data"]);
  expect(first("").at(-1)).toBe("Pages: Data");
});

test("an error leads to what it speaks of", () => {
  const params = [["data", "adult"], ["lambda", "x"], ["where", "age:>:40"], ["where", "sex:=:Femal"]] as const;
  const of = (message: string) => faultsOf({ message }, params);
  expect(of("lambda=x: that is no such number")).toEqual([["lambda", "x"]]);
  expect(of("where=sex:=:Femal: sex is never `Femal`; did you mean `Female`?")).toEqual([["where", "sex:=:Femal"]]);
  expect(of("`lambda` stands twice in the address; it has one value")).toEqual([["lambda", "x"]]);
  expect(of("/api/rules has no parameter `lambda`; did you mean `lamda`?")).toEqual([["lambda", "x"]]);
  expect(of("no table `adult` is open")).toEqual([["data", "adult"]]);
  expect(of("the file was changed since it was opened")).toEqual([]);
  expect(faultsOf({ message: "row 99999: the explanation has 700 rows" }, [["row", "99999"]])).toEqual([["row", "99999"]]);
  expect(faultsOf({ message: "the text has 20 000 bytes; this page takes at most 8 192" }, [["text", "A A"], ["token", "0"]])).toEqual([["text", "A A"]]);
  // A saved explanation calls its table `values`; `data` is that of other pages.
  const saved = [["data", "other"], ["explanation", "v"], ["values", "few"]] as const;
  const few = { message: "data=few: the table has 2 rows; name another, or leave `data` out" };
  expect(faultsOf(few, saved)).toEqual([["values", "few"]]);
  expect(worded(few, saved)).toBe("values=few: the table has 2 rows; name another, or leave `values` out");
  expect(faultsOf(undefined, params)).toEqual([]);
  expect(withoutFaults(params, of("where=sex:=:Femal: no"))).toEqual(params.slice(0, 3));
});

test("sentences begin with a capital, and names stay what they are", () => {
  expect(sentence("no table is open")).toBe("No table is open.");
  for (const text of ["theta=1/0: no fraction.", "adult.csv: no rows.", "`x` stands twice.", "posting.md:5: odd.", "since: at most 400 letters."]) expect(sentence(text)).toBe(text);
});

test("an address of the server leads to the page that asks it", () => {
  expect(pageOf("/api/row?data=adult&row=3")).toEqual({ name: "row", href: "#/row?data=adult&row=3" });
  // Pages call the table of a saved explanation by another name; a count stands where all sets are, and its seconds are not those of a search.
  expect(pageOf("/api/row?data=adult&explanation=values&row=3")?.href).toBe("#/row?explanation=values&row=3&values=adult");
  expect(pageOf("/api/count/verify?count=c&data=adult&seconds=20")).toEqual({ name: "rashomon", href: "#/rashomon?count=c" });
  expect(pageOf("/elsewhere")).toBeUndefined();
});

test("only what ran out of time may be found with more of it", () => {
  const of = (code: string, message: string) => isOfTime({ code, message });
  expect(of("limit", "the best objective was not proven in the given time (it is between 1/5 and 1/4)")).toBe(true);
  expect(of("limit", "time.csv: the table has 900 000 rows, which take 3 MB more than --max-memory")).toBe(false);
  expect(of("input", "not proven in the given time")).toBe(false);
});
