// Does a saved explanation open as what it was, and a certified count as what it claims? Both are made by the program, and compared with it.
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, files, fits, opened, pictures, program, type Server, settled, silence, sound, start, test as base } from "./pellucid";

const [model = "", other = "", data = ""] = files;
const folder = mkdtempSync(join(tmpdir(), "explanations-"));
const values = join(folder, "values.parquet");
const count = join(folder, "count.json");
const rows = join(folder, "rows.csv");
const run = (...words: string[]) => execFileSync(program, words, { encoding: "utf8" });

interface Said {
  outputs: { base_value: number; worst_residual: number; features: { name: string; mean_absolute: number; mean: number }[] }[];
}

const test = base.extend<object, { made: { told: Said; counted: { count: string } }; whole: Server; alone: Server }>({
  made: [
    async ({}, use) => {
      const told = JSON.parse(run("explain", model, data, "-o", values, "--json", "-q")) as Said;
      const lines = Array.from({ length: 60 }, (_, row) => `${row % 2},${row % 3 === 0 ? 1 : 0},${row % 5 === 0 ? 1 : 0},${row % 2 === 1 || row % 15 === 0 ? 1 : 0}`);
      writeFileSync(rows, `a,b,c,y\n${lines.join("\n")}\n`);
      const counted = JSON.parse(run("rashomon", "count", rows, "--target", "y", "--within", "1/10", "--lambda", "1/50", "-o", count, "--json", "-q")) as { count: string };
      await use({ told, counted });
    },
    { scope: "worker" },
  ],
  whole: [
    async ({ made }, use) => {
      void made;
      const server = await start([model, data, values]);
      await use(server);
      server.stop();
    },
    { scope: "worker" },
  ],
  alone: [
    async ({ made }, use) => {
      void made;
      const server = await start([values, count]);
      await use(server);
      server.stop();
    },
    { scope: "worker" },
  ],
});

test("a saved explanation says what the command said, and takes its colors from the table", async ({ page, made, whole }) => {
  const { outside, complaints } = await silence(page, (url) => url.startsWith(whole.address));
  await page.goto(`${whole.address}#/global`);
  await settled(page);
  // What is computed now comes first; the file is one choice away.
  const explanation = page.getByRole("combobox", { name: "Explanation" });
  await expect(explanation).toHaveValue("");
  const live = await page.getByRole("group", { name: "Features" }).innerText();
  await explanation.selectOption("values");
  await expect(page).toHaveURL(/explanation=values/);
  await settled(page);
  await expect(page.getByText("Its model is open:")).toBeVisible();
  await expect(page.locator("figure")).toHaveCount(4);
  await expect(page.getByRole("heading", { name: /^What .* does, by its value$/ })).toBeVisible();
  await expect(page.getByRole("group", { name: "Features" })).toHaveText(live, { useInnerText: true });
  const own = (await (await page.request.get(`${whole.address}api/global?explanation=values`)).json()) as {
    base: number;
    worst_residual: number;
    features: { name: string; mean_absolute: number; mean: number }[];
  };
  const said = made.told.outputs[0];
  expect(own.base).toBe(said?.base_value);
  expect(own.worst_residual).toBe(said?.worst_residual);
  for (const feature of said?.features ?? []) {
    const same = own.features.find(({ name }) => name === feature.name);
    expect(Math.abs((same?.mean_absolute ?? NaN) - feature.mean_absolute)).toBeLessThan(1e-13);
    expect(Math.abs((same?.mean ?? NaN) - feature.mean)).toBeLessThan(1e-13);
  }

  await page.getByRole("combobox", { name: "Values of features" }).selectOption("adult");
  await expect(page).toHaveURL(/values=adult/);
  await settled(page);
  await expect(page.locator("figure")).toHaveCount(5);
  await page.reload();
  await settled(page);
  await expect(page.locator("figure")).toHaveCount(5);
  // A row leads to its live page, and from the file one gets back to the model.
  await page.getByRole("link", { name: /^row \d/ }).first().click();
  await expect(page).toHaveURL(/#\/row\?data=adult&model=adult-xgboost&row=\d+/);
  await settled(page);
  await page.goBack();
  await settled(page);
  await page.getByRole("link", { name: "Explain it now" }).click();
  await expect(page).not.toHaveURL(/explanation=/);
  await settled(page);
  expect(outside).toEqual([]);
  expect(complaints).toEqual([]);
});

test("alone it is the page, and what is wrong is said", async ({ page, alone }) => {
  await silence(page, (url) => url.startsWith(alone.address));
  await page.goto(`${alone.address}#/global`);
  await settled(page);
  await expect(page.getByText("Its model is not open")).toBeVisible();
  await expect(page.getByRole("combobox", { name: "Explanation" })).toHaveCount(0);
  // A row is that of the file: its steps, without the values of its features.
  await page.getByRole("link", { name: /^row \d/ }).first().click();
  await expect(page).toHaveURL(/#\/row\?explanation=values&row=\d+/);
  await settled(page);
  await page.goto(`${alone.address}#/row?row=17`);
  await settled(page);
  const own = (await (await page.request.get(`${alone.address}api/row?explanation=values&row=17`)).json()) as {
    base: number;
    margin: number;
    features: { name: string; text: string | null; adds: number }[];
  };
  expect(Math.abs(own.base + own.features.reduce((sum, feature) => sum + feature.adds, 0) - own.margin)).toBeLessThan(1e-12);
  expect(own.features.every((feature) => feature.text === null)).toBe(true);
  await expect(page.getByRole("heading", { level: 1 })).toContainText("Why row 17 came to");
  await expect(page.getByText("The file does not hold the features’ own values")).toBeVisible();
  await expect(page.getByRole("slider")).toHaveCount(0);
  await page.keyboard.press("]");
  await expect(page).toHaveURL(/row=18/);
  await page.goto(`${alone.address}#/row?row=999999`);
  await expect(page.getByRole("alert")).toContainText("counted from 0");
  await page.goto(`${alone.address}#/global?explanation=valeus`);
  await expect(page.getByRole("alert")).toContainText("did you mean values?");
  await page.goto(`${alone.address}#/global?explanation=values&values=nothing`);
  await expect(page.getByRole("alert")).toContainText("No table nothing is open");
});

test("another model is not taken for the one that was explained", async ({ page, made }) => {
  void made;
  const server = await start([values, other]);
  await silence(page, (url) => url.startsWith(server.address));
  await page.goto(`${server.address}#/global`);
  await settled(page);
  await expect(page.getByText("No model that is open is the one that was explained")).toBeVisible();
  server.stop();
});

test("a file of some rows leads to nobody else's row, and takes its values by number", async ({ page }) => {
  const some = join(folder, "some.parquet");
  const { rows: n } = JSON.parse(run("explain", model, data, "--where", "age:>=:40", "-o", some, "--json", "-q")) as { rows: number };
  await opened(page, [some, model, data], async (address) => {
    await page.goto(`${address}#/row?row=0&explanation=some`);
    await settled(page);
    const kept = page.getByText(`It holds ${n} of 1500 rows of its table (age is at least 40).`);
    await expect(kept).toBeVisible();
    // The second row of the table is the first of that age.
    await expect(page.getByText("This is row 1 of the table that was explained")).toBeVisible();
    const leads = page.getByRole("link", { name: /of the model that is open|Explain it now/ });
    await expect(leads).toHaveCount(0);
    await page.getByRole("combobox", { name: "Values of features" }).selectOption("adult");
    await expect(page.getByRole("row", { name: /^age 40/ })).toBeVisible();
    await expect(page.getByRole("link", { name: "see row 1 of the model that is open" })).toHaveAttribute("href", /#\/row\?.*row=1$/);
    await page.goto(`${address}#/global?explanation=some&values=adult`);
    await settled(page);
    await expect(page.getByRole("alert")).toHaveCount(0);
    await expect(kept).toBeVisible();
    await expect(leads).toHaveCount(0);
    await expect(page.getByText(/^Values are matched to rows by their numbers; on \d+ rows that were compared, the model answers for this table what/i)).toHaveCount(1);
    await expect(page.getByRole("combobox", { name: "Values of features" })).toHaveValue("adult");
    await expect(page.locator("figure svg").filter({ hasText: /rows\s+where\s+age/ }).first()).toBeVisible();
    await page.screenshot({ path: join(pictures, "explanations-some.png"), fullPage: true });
    await page.getByRole("link", { name: /^row \d/ }).first().click();
    await expect(page).toHaveURL(/#\/row\?explanation=some/);
    await settled(page);
    await page.goto(`${address}#/row?explanation=some&row=99999`);
    await expect(page.getByRole("spinbutton", { name: "Row" })).toHaveAttribute("aria-invalid", "true");
    await expect(page.getByRole("button", { name: "Ask without row=99999" })).toBeVisible();
    await page.goto(`${address}#/row?explanation=some&row=abc`);
    await expect(page.getByRole("heading", { level: 1 })).not.toContainText("NaN");
    await expect(page.getByRole("textbox", { name: "Row" })).toHaveValue("abc");
  });
});

test("only of the table that was explained a row leads to the model's", async ({ page, whole }) => {
  await silence(page, (url) => url.startsWith(whole.address));
  const leads = page.getByRole("link", { name: "see row 3 of the model that is open" });
  await page.goto(`${whole.address}#/row?row=3&explanation=values`);
  await settled(page);
  await expect(leads).toHaveCount(0);
  await page.goto(`${whole.address}#/row?row=3&explanation=values&values=adult`);
  await settled(page);
  await leads.click();
  await expect(page).toHaveURL(/#\/row\?data=adult&model=adult-xgboost&row=3/);
  await settled(page);
});

test("keys alone choose the file, a feature and the numbers", async ({ page, whole }) => {
  await silence(page, (url) => url.startsWith(whole.address));
  await page.goto(`${whole.address}#/global`);
  await settled(page);
  await page.getByRole("combobox", { name: "Explanation" }).focus();
  await page.keyboard.press("ArrowDown");
  await expect(page).toHaveURL(/explanation=values/);
  await settled(page);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("combobox", { name: "Values of features" })).toBeFocused();
  await page.keyboard.press("ArrowDown");
  await expect(page).toHaveURL(/values=adult/);
  await settled(page);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("hours");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/feature=hours-per-week/);
  await settled(page);
});

test("a certified count is counted again, and says what the command says", async ({ page, made }) => {
  const server = await start([count, rows]);
  const { outside, complaints } = await silence(page, (url) => url.startsWith(server.address));
  await page.goto(`${server.address}#/rashomon`);
  const panel = page.getByRole("region", { name: "A certified count" });
  await expect(panel).toContainText("Counted exactly, says the file");
  await expect(panel).toContainText(`Exactly ${made.counted.count} rule set`);
  // The title is of the count, whatever the search below it finds.
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(new RegExp(`^A certified count: ${made.counted.count} rule sets? ha(s|ve) an objective of at most`));
  await expect(page.getByRole("heading", { level: 2, name: /^A search of your own: / })).toBeVisible();
  await expect(panel.locator("tbody tr").first()).toBeVisible();
  await panel.getByRole("button", { name: "Count it again independently" }).focus();
  await page.keyboard.press("Enter");
  await expect(panel).toContainText("Counted again: it holds", { timeout: 20_000 });
  const { verdicts } = JSON.parse(run("rules", "verify", count, rows, "--json", "-q")) as { verdicts: { verdict: string; reason: string }[] };
  expect(verdicts[0]?.verdict).toBe("proven");
  await expect(panel).toContainText(verdicts[0]?.reason ?? "no reason");
  // Beside it the search of the page begins with the same question, and says when it asks another.
  await expect(page.getByText("Good sets, |R|")).toBeVisible({ timeout: 20_000 });
  await expect(page).toHaveURL(/lambda=1(\/|%2F)50&.*theta=/);
  await expect(page.getByText("It begins with θ, λ, the target and the number of candidate rules of the count above")).toBeVisible();
  const theta = page.getByRole("textbox", { name: "θ, the largest objective" });
  const own = await theta.inputValue();
  await theta.fill("1/3");
  await theta.press("Enter");
  await expect(page.getByText("It asks something else than the count above")).toBeVisible();
  await page.getByRole("button", { name: "Ask what was counted" }).click();
  await expect(theta).toHaveValue(own);
  expect(outside).toEqual([]);
  expect(complaints).toEqual([]);
  server.stop();
});

test("a count that was not decided says in how many seconds, whatever is asked after", async ({ page }) => {
  await opened(page, [count, rows], async (address) => {
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    await page.route("**/api/count/verify?*", async (route) => {
      const limit = Number(new URL(route.request().url()).searchParams.get("seconds"));
      if (limit > 10) await held;
      const said = { schema: "pellucid.workbench.count_verify/1", verdict: "unproven", reason: "the limit was reached; `--time-limit` gives more", seconds: limit, limit, command: "pellucid rules verify" };
      await route.fulfill({ json: said });
    });
    await page.goto(`${address}#/rashomon`);
    const panel = page.getByRole("region", { name: "A certified count" });
    await panel.getByRole("button", { name: "Count it again independently" }).click();
    await expect(panel).toContainText("Not decided within 10 s");
    // What a sentence of the server has in backticks is code.
    await expect(panel.getByText("--time-limit", { exact: true })).toHaveJSProperty("tagName", "CODE");
    await panel.getByRole("button", { name: "Give it 60 s" }).click();
    await expect(panel).toContainText("Not decided within 10 s");
    release();
    await expect(panel).toContainText("Not decided within 60 s");
    await expect(panel.getByRole("button", { name: "Give it 360 s" })).toBeEnabled();
  });
});

test("a count without its table is shown, and can't be checked", async ({ page, alone }) => {
  await silence(page, (url) => url.startsWith(alone.address));
  await page.goto(`${alone.address}#/rashomon`);
  const panel = page.getByRole("region", { name: "A certified count" });
  await expect(panel).toContainText("Counted exactly, says the file");
  await expect(panel.getByRole("button", { name: "Count it again independently" })).toBeDisabled();
  await expect(page.getByRole("alert")).toHaveCount(0);
  await page.goto(`${alone.address}#/rashomon?count=conut`);
  await expect(page.getByRole("alert")).toContainText("did you mean count?");
});

for (const scheme of ["light", "dark"] as const) {
  test(`axe finds nothing, and all widths do, in the ${scheme}`, async ({ page, whole, alone }) => {
    await silence(page, (url) => url.startsWith(whole.address) || url.startsWith(alone.address));
    await page.emulateMedia({ colorScheme: scheme });
    const places = {
      saved: `${whole.address}#/global?explanation=values&values=adult`,
      bare: `${alone.address}#/global`,
      count: `${alone.address}#/rashomon`,
    };
    for (const [name, address] of Object.entries(places)) {
      for (const width of [360, 380, 1280, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        await page.goto(address);
        if (name === "count") await expect(page.getByText("Counted exactly, says the file")).toBeVisible();
        else await settled(page);
        await fits(page);
        if (width === 380 || width === 1280) await page.screenshot({ path: join(pictures, `explanations-${name}-${width}-${scheme}.png`), fullPage: true });
      }
      await sound(page);
    }
  });
}
