// Does the page of a table say what stands in it, in all rows and in some, and do its rows lead on?
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "@playwright/test";
import { expect, files, fits, opened, pictures, program, settled, silence, sound, test } from "./pellucid";

const adult = files[2] ?? "";
const lines = readFileSync(adult, "utf8").trim().split("\n").map((line) => line.split(","));
const [names, rows] = [lines[0] ?? [], lines.slice(1)];
const at = (name: string) => names.indexOf(name);
const line = (page: Page, name: string) => page.getByRole("group", { name: "Columns" }).getByRole("row").filter({ has: page.getByRole("button", { name, exact: true }) });
const list = (page: Page) => page.getByRole("group", { name: "Rows", exact: true }).locator("tbody tr");

interface Inspected {
  columns: { name: string; missing: number; levels: number | null; low: number | null; high: number | null }[];
}

test("columns are those of the command, and counted as in the file", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/data`);
  await settled(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("adult.csv: 1500 rows");
  const { columns } = JSON.parse(execFileSync(program, ["inspect", "--json", adult], { encoding: "utf8" })) as Inspected;
  const plain = (text: string) => Number(text.replaceAll("\u202f", "").replace("−", "-"));
  for (const column of columns) {
    const cells = await line(page, column.name).getByRole("cell").evaluateAll((all) =>
      all.map((cell) => [...cell.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).map((node) => node.textContent).join("").trim()),
    );
    expect([column.name, plain(cells[3] ?? "")]).toEqual([column.name, column.missing]);
    if (column.levels !== null) expect(plain(cells[4] ?? "")).toBe(column.levels);
    if (column.low !== null) expect([plain(cells[5] ?? ""), plain(cells[9] ?? "")]).toEqual([column.low, column.high]);
  }
  await expect(line(page, "education-num")).toContainText("one to one with education");
  await expect(page.locator("footer .command code")).toHaveText(`pellucid inspect ${adult}`);
});

test("a long name breaks where it has joints, and figures out of sight are called so", async ({ page }) => {
  const name = "the_number_of_weeks_worked_in_the_year_before-as_the_person_remembers";
  const file = join(mkdtempSync(join(tmpdir(), "workbench-names-")), "names.csv");
  writeFileSync(file, `${name},b\n${Array.from({ length: 40 }, (_, row) => `${row},${row % 3}`).join("\n")}\n`);
  await opened(page, [file], async (address) => {
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.goto(`${address}#/data`);
    await settled(page);
    const own = line(page, name).getByRole("button");
    expect((await own.boundingBox())?.height).toBeLessThan(64);
    await page.screenshot({ path: join(pictures, "data-long-name.png") });
    await page.setViewportSize({ width: 380, height: 900 });
    await expect(page.getByRole("button", { name: /^\d+ more figures of each column/ })).toBeVisible();
  });
});

test("a row and its ways through trees are gone through among the chosen rows", async ({ quiet: page, server }) => {
  const own = rows.flatMap((row, at_) => (Number(row[at("age")]) >= 60 ? [at_] : []));
  await page.goto(`${server.address}#/data?where=age:>=:60`);
  await settled(page);
  await list(page).nth(1).getByRole("link").first().click();
  await expect(page).toHaveURL(new RegExp(`#/row.*row=${own[1]}(&|$)`));
  await expect(page).toHaveURL(/where=age/);
  await settled(page);
  const cohort = page.getByRole("group", { name: "Rows that are looked at" });
  await expect(cohort).toContainText(`${own.length} of 1500 rows`);
  await page.getByRole("button", { name: "Row after" }).click();
  await expect(page).toHaveURL(new RegExp(`row=${own[2]}(&|$)`));
  await settled(page);
  await page.getByRole("navigation").getByRole("link", { name: "Trees", exact: true }).click();
  await settled(page);
  await expect(page).toHaveURL(/#\/trees.*where=age/);
  await expect(page.getByText("Row 0 is none of them")).toBeVisible();
  await page.getByRole("button", { name: "Row after" }).click();
  await expect(page).toHaveURL(new RegExp(`row=${own[0]}(&|$)`));
  await settled(page);
  await cohort.getByRole("button", { name: "All rows" }).click();
  await expect(page).not.toHaveURL(/where=/);
  await expect(cohort).toHaveCount(0);
});

test("a bar narrows the rows, and the address, the list and the words follow", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/data?column=sex`);
  await settled(page);
  const women = rows.filter((row) => row[at("sex")] === "Female").length;
  const bar = page.locator("figure [data-go^='bar:'][aria-label^='sex Female']");
  await bar.scrollIntoViewIfNeeded();
  const box = await bar.boundingBox();
  if (!box) throw new Error("no bar");
  await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  await expect(page).toHaveURL(/where=sex:(=|%3D):Female/);
  await settled(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`adult.csv: ${women} of 1500 rows where sex is Female`);
  const first = rows.findIndex((row) => row[at("sex")] === "Female");
  await expect(list(page).first().getByRole("rowheader")).toHaveText(String(first));
  await expect(list(page).first().getByRole("cell")).toHaveText((rows[first] ?? []).map((text) => text || "missing"));

  // A condition that is written, and one that is taken away.
  const form = page.getByRole("form", { name: "Narrow the rows" });
  await form.getByRole("combobox", { name: "Column of the condition" }).selectOption("age");
  await form.getByRole("combobox", { name: "Test" }).selectOption(">=");
  await form.getByRole("combobox", { name: "Value" }).fill("60");
  await form.getByRole("button", { name: "Narrow" }).click();
  await settled(page);
  const old = rows.filter((row) => row[at("sex")] === "Female" && Number(row[at("age")]) >= 60).length;
  const rule = page.getByRole("group", { name: "Rows that are looked at" });
  await expect(rule).toContainText(`${old} of 1500 rows`);
  await page.reload();
  await settled(page);
  await expect(rule).toContainText(`${old} of 1500 rows`);
  await rule.getByRole("button", { name: "Take away: sex is Female" }).click();
  await settled(page);
  await expect(rule).toContainText(`${rows.filter((row) => Number(row[at("age")]) >= 60).length} of 1500 rows`);
  await page.goBack();
  await expect(rule).toContainText(`${old} of 1500 rows`);
  await rule.getByRole("button", { name: "All rows" }).click();
  await settled(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("adult.csv: 1500 rows");
});

test("the same rows are explained on the global page, and other pages do not look as if they were", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/data?where=age:>=:60`);
  await settled(page);
  const old = rows.filter((row) => Number(row[at("age")]) >= 60).length;
  const nav = page.getByRole("navigation");
  await expect(nav.getByRole("link", { name: "Rules" })).not.toHaveAttribute("href", /where/);
  await nav.getByRole("link", { name: "Explain global" }).click();
  await expect(page).toHaveURL(/#\/global\?.*where=age/);
  await settled(page);
  await expect(page.getByRole("group", { name: "Rows that are looked at" })).toContainText(`age is at least 60`);
  await expect(page.getByText(`All ${old} rows are drawn.`)).toBeVisible();
  const link = page.getByRole("link", { name: /^row \d/ }).first();
  const row = Number(((await link.textContent()) ?? "").replace(/\D/g, ""));
  expect(Number((rows[row] ?? [])[at("age")])).toBeGreaterThanOrEqual(60);
  await nav.getByRole("link", { name: "Data" }).click();
  await expect(page).toHaveURL(/#\/data\?.*where=age/);
  await settled(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(`adult.csv: ${old} of 1500 rows where age is at least 60`);
});

test("groups are compared, rows come in order, and a row leads to why", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/data?column=age`);
  await settled(page);
  await page.getByRole("combobox", { name: "In groups by" }).selectOption("income");
  await expect(page).toHaveURL(/by=income/);
  await settled(page);
  const ages = (income: string) => rows.filter((row) => row[at("income")] === income).map((row) => Number(row[at("age")])).sort((a, b) => a - b);
  const median = (all: number[]) => ((all[Math.floor((all.length - 1) / 2)] ?? 0) + (all[Math.ceil((all.length - 1) / 2)] ?? 0)) / 2;
  const sentence = `The median of age is ${median(ages("<=50K"))} where income is <=50K, ${median(ages(">50K"))} where income is >50K.`;
  await expect(page.getByRole("figure", { name: sentence })).toBeVisible();

  await page.getByRole("button", { name: "age", exact: true }).last().click();
  await page.getByRole("button", { name: /^age/ }).last().click();
  await expect(page).toHaveURL(/sort=-age/);
  await settled(page);
  const oldest = Math.max(...rows.map((row) => Number(row[at("age")])));
  await expect(list(page).first().getByRole("cell").nth(at("age"))).toHaveText(String(oldest));
  await page.getByRole("button", { name: "50 after" }).click();
  await settled(page);
  await expect(page.getByText("51 to 100 of 1500, by age")).toBeVisible();
  const number = (await list(page).first().getByRole("rowheader").textContent()) ?? "";
  await list(page).first().getByRole("link").click();
  await expect(page).toHaveURL(new RegExp(`#/row\\?.*row=${number.replace(/\D/g, "")}`));
  await settled(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Why row/);
});

test("keys alone are enough", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/data`);
  await settled(page);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("column occupation");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/column=occupation/);
  await settled(page);
  const mark = page.locator('figure [data-go][tabindex="0"]').first();
  await mark.focus();
  await page.keyboard.press("ArrowDown");
  const label = (await page.locator("figure [data-go]:focus").getAttribute("aria-label")) ?? "";
  const value = /^occupation (.*): /.exec(label)?.[1] ?? "";
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toContainText(`rows where occupation is ${value}`);
  await settled(page);
  const button = page.getByRole("button", { name: `Take away: occupation is ${value}` });
  await button.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("adult.csv: 1500 rows");
});

test("what is wrong is said, and can be taken back", async ({ page }) => {
  await opened(page, files, async (address) => {
    await page.goto(`${address}#/data?where=sex:=:Femal`);
    await expect(page.getByRole("alert")).toContainText("did you mean Female?");
    await page.getByRole("button", { name: "Take away: sex:=:Femal" }).click();
    await settled(page);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("adult.csv: 1500 rows");
    await page.goto(`${address}#/data?column=aeg`);
    await expect(page.getByRole("alert")).toContainText("did you mean age?");
    await page.goto(`${address}#/data?where=age:>:200`);
    await expect(page.getByRole("heading", { name: "No row is left" })).toBeVisible();
    await sound(page);
    await page.getByRole("main").getByRole("button", { name: "all rows", exact: true }).click();
    await settled(page);
    await expect(page).not.toHaveURL(/where/);
  });
});

test("a table that does not fit says how long it is and what to do", async ({ page }) => {
  const long = join(mkdtempSync(join(tmpdir(), "data-")), "long.csv");
  writeFileSync(long, `number,text\n${Array.from({ length: 200_000 }, (_, row) => `${row},t${row % 7}`).join("\n")}\n`);
  const show = async (address: string) => {
    await page.goto(`${address}#/data`);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("long.csv is too large for the memory that was given");
    await expect(page.getByText(/has 200\u202f000 rows.*--max-memory/)).toBeVisible();
    await expect(page.getByRole("group", { name: "Columns" }).getByRole("rowheader")).toHaveText(["number", "text"]);
    await sound(page);
    await page.screenshot({ path: join(pictures, "data-too-large.png"), fullPage: true });
  };
  await opened(page, [long, "--max-memory", "1"], show);
});

test("an exported file has the first columns and says that the rest is live only", async ({ page }) => {
  const out = join(pictures, "data-export.html");
  execFileSync(program, ["workbench", adult, "--export", out], { stdio: "ignore" });
  // The program holds the pages that were built with it; those that were built last take their place.
  if (process.env.WORKBENCH_DIST !== undefined) {
    const code = readFileSync(join(process.env.WORKBENCH_DIST, "app.js"), "utf8").replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
    const text = readFileSync(out, "utf8");
    const from = text.indexOf('<script type="module">');
    writeFileSync(out, `${text.slice(0, from)}<script type="module">${code}${text.slice(text.lastIndexOf("</script>"))}`);
  }
  const file = pathToFileURL(out).href;
  const { outside, complaints } = await silence(page, (url) => url.startsWith(file));
  await page.goto(`${file}#/data`);
  await settled(page);
  await line(page, "fnlwgt").getByRole("button").click();
  await expect(page).toHaveURL(/column=fnlwgt/);
  await settled(page);
  await expect(line(page, "income").getByRole("button")).toBeDisabled();
  await expect(page.getByRole("form", { name: "Narrow the rows" })).toHaveCount(0);
  expect([outside, complaints]).toEqual([[], []]);
});

const states = { data: "#/data", groups: "#/data?column=workclass&by=income&where=age:>=:40", bins: "#/data?column=age&by=race&sort=-age" };
for (const scheme of ["light", "dark"] as const) {
  for (const [name, address] of Object.entries(states)) {
    test(`axe finds nothing on ${name} in the ${scheme}, and it fits`, async ({ quiet: page, server }) => {
      await page.emulateMedia({ colorScheme: scheme });
      await page.goto(server.address + address);
      await settled(page);
      for (const button of await page.getByRole("button", { name: /^Numbers of/ }).all()) await button.click();
      await sound(page);
      for (const button of await page.getByRole("button", { name: /^Numbers of/ }).all()) await button.click();
      for (const width of [360, 380, 1280, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        await settled(page);
        await fits(page);
        if (width === 380 || width === 1280) await page.screenshot({ path: join(pictures, `${name}-${width}-${scheme}.png`), fullPage: true });
      }
    });
  }
}
