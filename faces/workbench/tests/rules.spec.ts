// Does the rules page say what the command says, and does nothing look proven that is not?
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { expect, fits, opened, pictures, program, settled, sound, test } from "./pellucid";

const fixtures = fileURLToPath(new URL("../../../fixtures/", import.meta.url));
const [adult, compas] = [join(fixtures, "tour/adult.csv"), join(fixtures, "compas/compas.csv")];
const made = mkdtempSync(join(tmpdir(), "rules-"));
const rules = join(made, "rules.json");

/** A search that is over at once, and finds three rules. */
const QUICK = "data=adult&lambda=1/200&max_rules=40";
const OPTIONS = ["--target", "income", "--lambda", "1/200", "--max-rules", "40"];

const run = (...words: string[]) => execFileSync(program, words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
const certificate = (page: Page) => page.getByRole("region", { name: "Certificate" });
const status = (page: Page) => certificate(page).locator(".status");
const fact = (page: Page, name: string) => certificate(page).locator("dt", { hasText: name }).locator("+ dd");
const color = (page: Page, token: string) =>
  page.evaluate((token) => {
    const probe = document.body.appendChild(document.createElement("i"));
    probe.style.color = `var(--${token})`;
    const color = getComputedStyle(probe).color;
    probe.remove();
    return color;
  }, token);

/** A page on what was opened, which complains of nothing. */
test.beforeAll(() => void run("rules", "learn", adult, ...OPTIONS, "-o", rules));

test("a search is proven, and its objective is the command's", async ({ quiet: page, server }) => {
  const told = JSON.parse(run("rules", "learn", adult, ...OPTIONS, "--json")) as { certificate: { objective: string; lower_bound: string } };
  await page.goto(`${server.address}#/rules?${QUICK}`);
  await settled(page);
  await expect(status(page)).toHaveText(/Proven optimal$/);
  await expect(status(page)).toHaveCSS("color", await color(page, "proven"));
  await expect(fact(page, "Objective")).toHaveText(new RegExp(`^${told.certificate.objective} \\(`));
  await expect(fact(page, "No set is below")).toHaveText(new RegExp(`^${told.certificate.lower_bound} \\(`));
  await expect(fact(page, "Gap")).toHaveText("0");
  await expect(page.getByRole("switch")).toHaveCount(3);
  await expect(page.locator("footer .command code")).toHaveText(/^pellucid rules learn .*--lambda=1\/200/);
});

test("another price of a rule is another address and another answer", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/rules?${QUICK}`);
  await settled(page);
  const before = await fact(page, "Objective").innerText();
  await page.getByRole("button", { name: "Larger λ" }).click();
  // What is usual is not said in the address.
  await expect(page).not.toHaveURL(/lambda/);
  await expect(fact(page, "Objective")).not.toHaveText(before);
  await settled(page);
  const field = page.getByRole("textbox", { name: "λ, the price of a rule" });
  await expect(field).toHaveValue("1/100");
  await field.fill("3/1000");
  await field.press("Enter");
  await expect(page).toHaveURL(/lambda=3(\/|%2F)1000/);
  await expect(fact(page, "λ")).toHaveText("3/1000 (0.003)");
});

test("a price that is none is told of, and Back leads out", async ({ page }) => {
  await opened(page, [adult], async (address) => {
    await page.goto(`${address}#/rules?${QUICK}`);
    await settled(page);
    const field = page.getByRole("textbox", { name: "λ, the price of a rule" });
    await field.fill("a tenth");
    await field.press("Enter");
    await expect(page.getByRole("alert")).toContainText("a tenth is no number; write a fraction as 1/50");
    // What was typed stays where it was typed, and is marked; asking the same again would help nobody.
    await expect(field).toHaveValue("a tenth");
    await expect(field).toHaveAttribute("aria-invalid", "true");
    await expect(page.getByRole("button", { name: "Try again" })).toHaveCount(0);
    await page.getByRole("button", { name: "Go back" }).click();
    await expect(page.getByRole("alert")).toHaveCount(0);
    await expect(field).toHaveValue("1/200");
    await settled(page);
    await page.goto(`${address}#/rules?${QUICK}&max_conditions=few&target=incom`);
    await expect(page.getByRole("alert")).toContainText("target=incom: the data has no column incom");
    await expect(page.getByRole("textbox", { name: "Most conditions" })).toHaveValue("few");
    await expect(page.getByRole("combobox", { name: "Target" })).toHaveValue("incom");
    await page.getByRole("button", { name: "Ask without target=incom" }).click();
    await expect(page.getByRole("alert")).toContainText("max_conditions=few:");
    await expect(page.getByRole("textbox", { name: "Most conditions" })).toHaveAttribute("aria-invalid", "true");
    await page.getByRole("link", { name: "Begin anew" }).click();
    await expect(page.getByRole("alert")).toHaveCount(0);
  });
});

test("a rule that is switched off changes words, picture and badge, and the address holds it", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/rules?${QUICK}`);
  await settled(page);
  const title = await page.getByRole("heading", { level: 1 }).innerText();
  await page.getByRole("switch").nth(1).click();
  await expect(page).toHaveURL(/off=1/);
  await expect(page.getByText(/^Without one rule the objective is/)).toBeVisible();
  await settled(page);
  await expect(status(page)).toHaveText(/Not this set: 1 rule switched off/);
  await expect(status(page)).toHaveCSS("color", await color(page, "bounded"));
  await expect(page.getByRole("heading", { level: 1 })).not.toHaveText(title);
  const words = await page.getByText(/^Without one rule/).innerText();
  await page.reload();
  await settled(page);
  await expect(page.getByText(/^Without one rule/)).toHaveText(words);
  await expect(page.getByRole("switch").nth(1)).toHaveAttribute("aria-checked", "false");
  await page.getByRole("switch").nth(1).press("Space");
  await expect(status(page)).toHaveText(/Proven optimal$/);
  await expect(page).not.toHaveURL(/off=/);
});

test("columns are left out and required", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/rules?${QUICK}`);
  await settled(page);
  await page.getByText("More options").click();
  await page.getByRole("combobox", { name: "Leave out a column" }).selectOption("capital-gain");
  await page.getByRole("combobox", { name: "Require a column" }).selectOption("age");
  await expect(page).toHaveURL(/drop=capital-gain.*require=age/);
  await settled(page);
  await expect(page.getByRole("switch", { name: /age/ }).first()).toBeVisible();
  await expect(page.getByRole("switch", { name: /capital-gain/ })).toHaveCount(0);
  await page.getByRole("button", { name: "Left out: capital-gain, take back" }).click();
  await expect(page).not.toHaveURL(/drop/);
});

test("the certificate is checked by other code, and saved as it stands", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/rules?${QUICK}`);
  await settled(page);
  await page.getByRole("button", { name: "Check it independently" }).click();
  await expect(certificate(page).locator(".verdict.proven")).toHaveText(/What it says holds/, { timeout: 20_000 });
  const download = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download rules.json" }).click();
  const path = join(made, "downloaded.json");
  await (await download).saveAs(path);
  expect(run("rules", "verify", path, adult)).toMatch(/proven/i);
});

test("rules of a file are claimed until they are checked, and are not about other rows", async ({ page }) => {
  const half = join(made, "half.csv");
  writeFileSync(half, readFileSync(adult, "utf8").split("\n").slice(0, 751).join("\n") + "\n");
  await opened(page, [adult, half, rules], async (address) => {
    await page.goto(`${address}#/rules`);
    await settled(page);
    await expect(page.getByRole("combobox", { name: "Rules" })).toHaveValue("rules");
    await expect(status(page)).toHaveText(/Proven optimal, says the file/);
    await expect(status(page)).not.toHaveCSS("color", await color(page, "proven"));
    await page.getByRole("button", { name: "Check it independently" }).click();
    await expect(status(page)).toHaveText(/Proven optimal$/, { timeout: 20_000 });
    await expect(status(page)).toHaveCSS("color", await color(page, "proven"));

    await page.getByRole("combobox", { name: "Data" }).selectOption("half");
    await expect(status(page)).toHaveText(/Not about these rows/);
    await settled(page);
    await expect(status(page)).toHaveCSS("color", await color(page, "bounded"));
    await page.getByRole("button", { name: "Check it independently" }).click();
    await expect(certificate(page).locator(".verdict.refuted")).toBeVisible({ timeout: 20_000 });
    await expect(status(page)).toHaveText(/Not about these rows/);

    await page.getByRole("button", { name: "Learn from the data" }).click();
    await expect(page).toHaveURL(/rules=(&|$)/);
    await expect(page.getByRole("textbox", { name: "λ, the price of a rule" })).toBeVisible();
  });
});

test("a file that was changed in one digit is refused with a note", async ({ page }) => {
  const forged = join(made, "forged.json");
  const text = readFileSync(rules, "utf8");
  const changed = text.replace(/"covers": (\d+)/, (_, covers: string) => `"covers": ${Number(covers) + 1}`);
  expect(changed).not.toBe(text);
  writeFileSync(forged, changed);
  await opened(page, [adult, forged], async (address) => {
    await page.goto(`${address}#/rules?max_rules=40`);
    await settled(page);
    await expect(page.getByRole("region", { name: "Opened" })).toContainText(/forged/);
    await expect(page.getByRole("combobox", { name: "Rules", exact: true })).toHaveCount(0);
  });
});

test("a search that is stopped shows what was found, and that it is not proven", async ({ quiet: page, server }) => {
  test.setTimeout(120_000);
  await page.goto(`${server.address}#/rules?data=adult&max_conditions=3&lambda=1/1000&seconds=60`);
  const stop = page.getByRole("button", { name: "Stop and show what was found" });
  await expect(stop).toBeVisible({ timeout: 20_000 });
  // Before the search itself there is nothing to be shown.
  await expect(page.locator(".job")).toContainText(/[1-9][\d\u202f]* steps/, { timeout: 20_000 });
  await stop.click();
  await expect(status(page)).toHaveText(/Not proven: gap \d+\/\d+/, { timeout: 60_000 });
  await expect(status(page)).toHaveCSS("color", await color(page, "bounded"));
  await expect(page.getByRole("button", { name: "Search for 180 s" })).toBeVisible();
});

test("rows that stand for many are weighed, and the words preach nothing", async ({ page }) => {
  await opened(page, [compas], async (address) => {
    await page.goto(`${address}#/rules?weights=people&lambda=1/500`);
    await settled(page);
    await expect(fact(page, "Rows")).toHaveText(/^321, weight 6489$/);
    await expect(status(page)).toHaveText(/Proven optimal$/);
    // The options that the address says stand open.
    await expect(page.getByRole("combobox", { name: "Weights" })).toHaveValue("people");
  });
});

test("a table without a target says so", async ({ page }) => {
  const numbers = join(made, "numbers.csv");
  writeFileSync(numbers, "a,b\n" + Array.from({ length: 50 }, (_, at) => `${at},${at * 1.5}`).join("\n") + "\n");
  await opened(page, [numbers], async (address) => {
    await page.goto(`${address}#/rules`);
    await expect(page.getByRole("alert")).toContainText("No column has between 2 and 20 values");
  });
});

const states = { proven: QUICK, off: `${QUICK}&off=1&drop=race`, empty: "data=adult&lambda=1/20&max_rules=40" };
for (const scheme of ["light", "dark"] as const) {
  for (const [name, asked] of Object.entries(states)) {
    test(`${name} rules: axe finds nothing and all fits in the ${scheme}`, async ({ quiet: page, server }) => {
      await page.emulateMedia({ colorScheme: scheme });
      await page.goto(`${server.address}#/rules?${asked}`);
      await settled(page);
      await page.getByRole("button", { name: "Check it independently" }).click();
      await expect(certificate(page).locator(".verdict")).toBeVisible({ timeout: 20_000 });
      await settled(page);
      for (const button of await page.getByRole("button", { name: /^Numbers of/ }).all()) await button.click();
      await sound(page);
      for (const button of await page.getByRole("button", { name: /^Numbers of/ }).all()) await button.click();
      for (const width of [360, 380, 820, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        await settled(page);
        await fits(page);
        await page.screenshot({ path: join(pictures, `rules-${name}-${width}-${scheme}.png`), fullPage: true });
      }
    });
  }
}

test("keys and the palette reach rules, prices and the check", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/rules?${QUICK}`);
  await settled(page);
  const choose = async (typed: string) => {
    await page.keyboard.press("Control+k");
    await page.keyboard.type(typed);
    await page.keyboard.press("Enter");
  };
  await choose("switch off rule 2");
  await expect(page).toHaveURL(/off=1/);
  await settled(page);
  await choose("check it independently");
  await expect(certificate(page).locator(".verdict.proven")).toBeVisible({ timeout: 20_000 });
  await choose("λ = 1/50");
  await expect(page).toHaveURL(/lambda=1(\/|%2F)50/);
  await expect(page).not.toHaveURL(/off=/);
});
