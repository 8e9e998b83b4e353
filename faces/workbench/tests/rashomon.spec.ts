// Does the page of all nearly best sets say what the command says, and is what was not counted or not looked at never shown as if it was?
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL, fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { expect, fits, opened, pictures, program, settled, silence, sound, test } from "./pellucid";

const fixtures = fileURLToPath(new URL("../../../fixtures/", import.meta.url));
const [adult, compas] = [join(fixtures, "tour/adult.csv"), join(fixtures, "compas/compas.csv")];

/** A search that is over at once. */
const QUICK = "data=adult&lambda=1/50&max_rules=100";
const OPTIONS = ["--target", "income", "--lambda", "1/50", "--max-rules", "100"];
/** One that takes seconds. */
const LONG = "data=adult&lambda=1/200&max_rules=300&theta=1/4&seconds=60";
const PEOPLE = "data=compas&target=recidivate-within-two-years:1&weights=people";

function counted(...bound: string[]): string {
  const told = execFileSync(program, ["rashomon", "count", adult, ...OPTIONS, ...bound, "--json"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  return (JSON.parse(told) as { count: string }).count;
}

const size = (page: Page) => page.locator(".how-many .large");
const list = (page: Page) => page.getByRole("group", { name: "Sets", exact: true }).locator("tbody tr");
const compared = (page: Page) => page.getByRole("region", { name: "Two sets, side by side" });

/** A page on tables alone, which complains of nothing. */
test("the count is the command's, follows ε, and is in the address", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/rashomon?${QUICK}`);
  await settled(page);
  await expect(size(page)).toHaveText(counted("--within", "1/100"));
  await expect(page.locator(".how-many")).toContainText("rule sets, exact");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/counted exactly/);

  const slider = page.getByRole("slider", { name: /^ε/ });
  await slider.focus();
  await page.keyboard.press("ArrowRight");
  await expect(page).toHaveURL(/within=1%2F50/);
  await settled(page);
  const more = counted("--within", "1/50");
  await expect(size(page)).toHaveText(more);
  await expect(slider).toHaveAttribute("aria-valuetext", "1/50 above the best");
  await expect(page.locator("footer .command code")).toContainText("--within 1/50");

  await page.reload();
  await settled(page);
  await expect(size(page)).toHaveText(more);
  await page.goBack();
  await expect(size(page)).toHaveText(counted("--within", "1/100"));

  // What is usual is not said; a bound of another kind replaces this one.
  await page.getByRole("button", { name: "at most θ" }).click();
  await expect(page).toHaveURL(/theta=113%2F500/);
  await settled(page);
  await expect(size(page)).toHaveText(counted("--theta", "113/500"));
});

test("the identity and columns that are never used are searched anew", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/rashomon?${QUICK}&within=1/50`);
  await settled(page);
  await page.getByRole("combobox", { name: "Two sets are one when they" }).selectOption("predictions");
  await expect(page).toHaveURL(/identity=predictions/);
  await expect(size(page)).toHaveText(counted("--within", "1/50", "--identity", "predictions"));
  await page.getByRole("combobox", { name: "Never use a column" }).selectOption("relationship");
  await expect(page).toHaveURL(/drop=relationship/);
  await expect(size(page)).toHaveText(counted("--within", "1/50", "--identity", "predictions", "--drop", "relationship"));
  await expect(list(page).filter({ hasText: "relationship" })).toHaveCount(0);
});

test("the list is filtered by columns and errors, sorted, made longer and taken along", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/rashomon?${QUICK}&within=1/50`);
  await settled(page);
  await expect(list(page)).toHaveCount(30);
  await page.getByRole("button", { name: "List the best 100" }).click();
  const every = Number(counted("--within", "1/50"));
  await expect(list(page)).toHaveCount(every);
  await expect(page).toHaveURL(/limit=100/);

  await page.getByRole("combobox", { name: "Must use a column" }).selectOption("age");
  await expect(page).toHaveURL(/use=age/);
  await settled(page);
  const kept = await list(page).count();
  expect(kept).toBeGreaterThan(0);
  expect(kept).toBeLessThan(every);
  await expect(list(page).filter({ hasText: /age/ })).toHaveCount(kept);

  await page.getByRole("button", { name: "Take back filters" }).click();
  await expect(list(page)).toHaveCount(every);
  await page.getByLabel("Most errors").fill("285");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/most_errors=285/);
  const errors = async () => (await list(page).locator("td:nth-child(4)").allTextContents()).map(Number);
  await expect.poll(async () => Math.max(...(await errors()))).toBeLessThanOrEqual(285);
  await page.getByRole("columnheader", { name: "Errors" }).getByRole("button").click();
  await expect(page).toHaveURL(/sort=errors/);
  expect(await errors()).toEqual([...(await errors())].sort((x, y) => x - y));

  await page.getByRole("button", { name: "Take the sets along" }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: "Download CSV" }).click()]);
  const lines = readFileSync(await download.path(), "utf8").trim().split("\r\n");
  expect(lines[0]).toBe("set,objective,objective (decimal),rules,errors,rows that differ from the best,rules as text");
  expect(lines).toHaveLength((await list(page).count()) + 1);
});

test("two sets are compared, and the address holds both", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/rashomon?${QUICK}&within=1/50`);
  await settled(page);
  // The best and the one that differs most stand there at first.
  await expect(compared(page)).toContainText(/They predict otherwise on \d+ rows\./);

  await list(page).nth(3).getByRole("button", { name: /^A:/ }).click();
  await list(page).nth(8).getByRole("button", { name: /^B:/ }).click();
  await expect(page).toHaveURL(/a=[\d-]+&b=[\d-]+/);
  const [a, b] = await Promise.all([3, 8].map((at) => list(page).nth(at).locator("small").textContent()));
  await expect(compared(page).locator(".fraction td")).toHaveText([a ?? "", b ?? ""]);
  await expect(compared(page)).toContainText(/between \d+ and \d+ rows, a bound/);
  await expect(list(page).nth(3).getByRole("button", { name: /^A:/ })).toHaveAttribute("aria-pressed", "true");
  const before = await compared(page).textContent();
  await page.reload();
  await settled(page);
  await expect(compared(page)).toHaveText(before ?? "");

  // Keys: all buttons are one stop, arrows move among them.
  const first = list(page).nth(3).getByRole("button", { name: /^A:/ });
  await first.focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  await expect(list(page).nth(4).getByRole("button", { name: /^B:/ })).toBeFocused();
  await expect(page.getByRole("group", { name: "Sets", exact: true }).locator('tbody [tabindex="0"]')).toHaveCount(1);

  // They change places where one is chosen as the other.
  await list(page).nth(3).getByRole("button", { name: /^B:/ }).click();
  await expect(compared(page).locator(".fraction td")).toHaveText([b ?? "", a ?? ""]);
  await page.getByRole("button", { name: "Pin this page" }).click();
  await expect(page.getByRole("region", { name: "Pins" }).getByRole("link")).toHaveAttribute("href", /a=[\d-]+&b=[\d-]+/);

  await page.getByRole("link", { name: /page Rules/ }).click();
  await expect(page).toHaveURL(/#\/rules\?data=adult&lambda=1%2F50&max_rules=100$/);
});

test("an empty set says what the best is and leads to it", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/rashomon?${QUICK}&theta=1/1000`);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText("No rule set is within the bound");
  await expect(page.locator("main")).toContainText("θ = 1/1000 (0.001)");
  await expect(page.locator("main")).toContainText("The best set has 27/125 (0.216)");
  await sound(page);
  await page.screenshot({ path: join(pictures, "rashomon-empty.png"), fullPage: true });
  await page.getByRole("link", { name: /Take the best/ }).click();
  await settled(page);
  await expect(size(page)).toHaveText(counted("--within", "1/100"));
});

test("a search says how far it is, and is stopped", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/rashomon?${LONG}`);
  await expect(page.getByRole("progressbar")).toBeVisible();
  await expect(page.locator(".job")).toContainText(/of 1 min/);
  await expect(page.locator(".job")).toContainText("θ = 1/4");
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(page.getByRole("heading", { name: "Stopped" })).toBeVisible();
});

test("what was stopped early wears no exact badge", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/rashomon?${LONG.replace("seconds=60", "seconds=2")}`);
  await settled(page);
  await expect(page.locator(".how-many")).toContainText("between");
  await expect(page.locator(".how-many")).toContainText("stopped early");
  await expect(page.locator(".how-many")).not.toContainText("exact");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^At least/);
  await expect(page.getByRole("button", { name: "Search up to 6 s" }).first()).toBeVisible();

  // Where even sizes are not certain, no picture says them.
  await page.goto(`${server.address}#/rashomon?${LONG.replace("seconds=60", "seconds=2")}&identity=predictions`);
  await expect(page.getByRole("heading", { name: "Of which sizes they are is not known" })).toBeVisible();
  await expect(page.locator("figure")).toHaveCount(0);
});

test("what was drawn from very many says so", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/rashomon?${QUICK}&within=1/20&identity=irredundant&seconds=60`);
  await settled(page);
  await expect(page.locator(".how-many")).toContainText("exact");
  await expect(page.getByText("Drawn, not all:")).toBeVisible();
  await expect(page.getByText("among the sets that were drawn")).toBeVisible();
});

test("groups of rows show how sets treat them", async ({ page }) => {
  await opened(page, [adult, compas], async (address) => {
    await page.goto(`${address}#/rashomon?${PEOPLE}`);
    await settled(page);
    await page.getByRole("combobox", { name: "Groups by" }).selectOption("sex:Male");
    await expect(page).toHaveURL(/group=sex:Male/);
    await expect(page.getByRole("figure", { name: /^statistical parity difference/ })).toBeVisible();
    await expect(page.locator(".three figure")).toHaveCount(3);

    // A search that is not over in its time may have more.
    await page.goto(`${address}#/rashomon?data=compas&seconds=1`);
    const over = page.getByRole("alert");
    await expect(over).toContainText("not proven");
    await expect(over.getByRole("heading")).toHaveText("Not proven within the time");
    await expect(over).not.toContainText("limit");
    await expect(over.getByRole("button", { name: "Search up to 3 s" })).toBeVisible();
  });
});

test("an export holds the first question; what asks anew is live only", async ({ page }) => {
  const [table, out] = [join(pictures, "few.csv"), join(pictures, "rashomon.html")];
  const rows = readFileSync(adult, "utf8").split("\n").slice(0, 121);
  // Few columns are searched in no time.
  writeFileSync(table, rows.map((row) => row.split(",").filter((_, at) => [0, 4, 9, 14].includes(at)).join(",")).join("\n"));
  execFileSync(program, ["workbench", table, "--export", out], { stdio: "ignore" });
  const file = pathToFileURL(out).href;
  const { outside, complaints } = await silence(page, (url) => url.startsWith(file));
  await page.goto(`${file}#/rashomon`);
  await settled(page);
  await expect(page.getByText("live only", { exact: false }).first()).toBeVisible();
  await expect(page.getByRole("slider", { name: /^ε/ })).toBeDisabled();
  await expect(page.getByRole("combobox", { name: "Must use a column" })).toBeDisabled();
  await list(page).nth(2).getByRole("button", { name: /^B:/ }).click();
  await expect(compared(page).locator(".fraction td").nth(1)).toHaveText((await list(page).nth(2).locator("small").textContent()) ?? "");
  expect(outside).toEqual([]);
  expect(complaints).toEqual([]);
});

for (const scheme of ["light", "dark"] as const) {
  test(`axe finds nothing in the ${scheme}, and 380 pixels are enough`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await opened(page, [adult, compas], async (address) => {
      const shown = { adult: `${QUICK}&within=1/50&use=age&sort=-errors`, compas: `${PEOPLE}&group=sex:Male&a=4-21&b=7-52` };
      for (const [name, question] of Object.entries(shown)) {
        await page.setViewportSize({ width: 1440, height: 900 });
        await page.goto(`${address}#/rashomon?${question}`);
        await settled(page);
        await page.screenshot({ path: join(pictures, `rashomon-${name}-1440-${scheme}.png`), fullPage: true });
        for (const button of await page.getByRole("button", { name: /^Numbers of/ }).all()) await button.click();
        await page.getByText("More options").click();
        await sound(page);
        for (const width of [1000, 380, 360]) {
          await page.setViewportSize({ width, height: 900 });
          await fits(page);
        }
        await page.reload();
        await settled(page);
        await page.setViewportSize({ width: 380, height: 900 });
        await page.screenshot({ path: join(pictures, `rashomon-${name}-380-${scheme}.png`), fullPage: true });
      }
    });
  });
}
