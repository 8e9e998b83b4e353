// Does the position page say what the command says, and does a line that is called not true change what rests on it, at once and for all to see?
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Page } from "@playwright/test";
import { expect, fits, opened as openedWith, pictures, program, silence, sound, test } from "./pellucid";

const twin = fileURLToPath(new URL("../../../fixtures/position/twin/", import.meta.url));
const documents = ["profile.md", "publications.bib", "posting.md"].map((name) => join(twin, name));
const DAY = "as_of=2025-01-01";

/** A page on the documents, which complains of nothing. */
const opened = (page: Page, see: (address: string) => Promise<void>, files: readonly string[] = documents) => openedWith(page, files, see);

async function settled(page: Page): Promise<void> {
  await expect(page.getByRole("region", { name: "Fit" })).toBeVisible({ timeout: 20_000 });
  await expect(page.locator("[aria-busy=true]")).toHaveCount(0, { timeout: 20_000 });
}

const fit = (page: Page) => page.getByRole("region", { name: "Fit", exact: true });
const head = (page: Page, id: string) => page.locator(`[data-requirement=${id}]`);
const marked = (page: Page, name: string) => page.getByRole("region", { name, exact: true }).locator("mark");

interface Told {
  fit: { exact: [string, string]; label: string };
  requirements: { id: string; status: string; text: string; cites: { quote: string }[] }[];
}

function told(): Told {
  const words = ["position", ...documents, "--as-of", "2025-01-01", "--json"];
  return JSON.parse(execFileSync(program, words, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })) as Told;
}

test("fit and verdicts are the command's, with both ends", async ({ page }) => {
  const expected = told();
  await opened(page, async (address) => {
    await page.goto(`${address}#/position?${DAY}`);
    await settled(page);
    await expect(page.getByRole("heading", { level: 1 })).toContainText(expected.fit.label);
    for (const end of expected.fit.exact) await expect(fit(page)).toContainText(`exactly ${end}`);
    await expect(page.locator("[data-requirement]")).toHaveCount(expected.requirements.length);
    for (const own of expected.requirements) await expect(head(page, own.id)).toContainText(own.text);
    await expect(page.locator(".caution")).toContainText("does not rank people");
    await expect(page.locator(".caution")).toBeInViewport();
    await expect(page.locator("footer .command code")).toHaveText(/^pellucid position .*posting\.md --as-of 2025-01-01$/);
  });
});

test("a requirement marks its sentence and the lines that it rests on, and the address holds it", async ({ page }) => {
  const expected = told().requirements.find((own) => own.id === "R14");
  await opened(page, async (address) => {
    await page.goto(`${address}#/position?${DAY}`);
    await settled(page);
    await expect(marked(page, "Profile")).toHaveCount(0);
    await head(page, "R14").click();
    await expect(page).toHaveURL(/requirement=R14/);
    await expect(head(page, "R14")).toHaveAttribute("aria-expanded", "true");
    await expect(marked(page, "Posting")).toHaveText(expected?.text ?? "");
    await expect(marked(page, "Profile")).toHaveText(expected?.cites.map((cite) => cite.quote) ?? []);
    await expect(marked(page, "Profile").first()).toBeInViewport();
    await page.reload();
    await settled(page);
    await expect(head(page, "R14")).toHaveAttribute("aria-expanded", "true");
    // From the posting to another one.
    await page.getByRole("region", { name: "Posting", exact: true }).getByRole("link", { name: "Experience with distributed systems" }).click();
    await expect(page).toHaveURL(/requirement=R3/);
    await page.goBack();
    await expect(page).toHaveURL(/requirement=R14/);
  });
});

test("a line that is not true is left out at once, what it changed is told, and undone", async ({ page }) => {
  await opened(page, async (address) => {
    await page.goto(`${address}#/position?${DAY}&requirement=R14`);
    await settled(page);
    const before = await page.getByRole("heading", { level: 1 }).innerText();
    await page.locator(".detail").getByRole("button", { name: /^Not true: PhD/ }).click();
    await expect(page).toHaveURL(/reject=profile:\d+-\d+/);
    await expect(fit(page)).toContainText("Documents as they stand 44 to 53 %");
    await settled(page);
    await expect(page.getByRole("heading", { level: 1 })).not.toHaveText(before);
    await expect(head(page, "R14")).toContainText("before: shown");
    await expect(page.getByText("Not the documents alone:")).toBeVisible();
    await expect(page.locator("[aria-live=polite]")).toContainText(/Of the documents as they stand it is 44 to 53 %\. R14, /);
    await expect(page.locator("footer")).toContainText("can't be said on the command line");
    // The address alone says it.
    await page.reload();
    await settled(page);
    await expect(fit(page)).toContainText("Documents as they stand");
    await page.locator(".detail").getByRole("button", { name: /^Undo, it is true: PhD/ }).click();
    await expect(page).not.toHaveURL(/reject=/);
    await settled(page);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(before);
    await expect(fit(page)).not.toContainText("Documents as they stand");
  });
});

test("a line that may be the same is confirmed by the person alone, and is then stated and not shown", async ({ page }) => {
  const made = mkdtempSync(join(tmpdir(), "position-"));
  const file = (name: string, text: string) => {
    writeFileSync(join(made, name), text);
    return join(made, name);
  };
  const files = [
    file("cv.md", "# Experience\n\n## Gardener, Park, 2018-01 to 2022-12\n\n- Pruned old orchard pears by hand in winter frost.\n"),
    file("ad.md", "# Requirements\n\n- Prune orchard pears carefully in winter\n- Experience with Go\n"),
  ];
  await opened(
    page,
    async (address) => {
      await page.goto(`${address}#/position?${DAY}&requirement=R1`);
      await settled(page);
      await expect(head(page, "R1")).toContainText("can't be told");
      await page.getByRole("button", { name: "It is the same" }).click();
      await expect(page).toHaveURL(/confirm=R1:cv:/);
      await settled(page);
      await expect(head(page, "R1")).toContainText("stated, not shown, before: can't be told");
      await expect(fit(page)).toContainText("the same as R1");
      await page.getByRole("button", { name: "Undo all" }).click();
      await expect(page).not.toHaveURL(/confirm=/);
      await expect(head(page, "R1")).toContainText("can't be told");
    },
    files,
  );
});

test("keys go from requirement to requirement, and the palette finds them", async ({ page }) => {
  await opened(page, async (address) => {
    await page.goto(`${address}#/position?${DAY}`);
    await settled(page);
    await head(page, "R1").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    await expect(head(page, "R3")).toBeFocused();
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/requirement=R3/);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("large language");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/requirement=R6/);
  });
});

test("the profile is what is chosen, and a day that is none is told of", async ({ page }) => {
  await opened(page, async (address) => {
    await page.goto(`${address}#/position?${DAY}`);
    await settled(page);
    await page.getByRole("checkbox", { name: "publications.bib" }).uncheck();
    await expect(page).toHaveURL(/profile=profile/);
    await settled(page);
    await expect(page.getByRole("checkbox", { name: "profile.md" })).toBeDisabled();
    await page.getByRole("checkbox", { name: "publications.bib" }).check();
    await expect(page).not.toHaveURL(/profile=/);
    await page.goto(`${address}#/position?as_of=2025-02-30`);
    await expect(page.getByRole("alert")).toContainText("a day is written as YYYY-MM-DD");
    await page.goto(`${address}#/position?${DAY}&reject=profile:1-3`);
    await expect(page.getByRole("alert")).toContainText("the nearest is profile:");
  });
});

test("an exported file shows the answer, and nothing in it can be changed", async ({ page }) => {
  const out = join(pictures, "position.html");
  execFileSync(program, ["workbench", ...documents, "--export", out]);
  const file = pathToFileURL(out).href;
  const { complaints } = await silence(page, (url) => url.startsWith(file));
  await page.goto(file);
  // A program without the page's newest parts has those that were built into it.
  test.skip((await page.getByRole("heading", { name: "There is no page" }).count()) > 0, "the program was built before the page");
  await settled(page);
  await head(page, "R14").click();
  await expect(page.locator(".detail").getByRole("button", { name: /^Not true/ }).first()).toBeDisabled();
  await expect(page.getByLabel(/As of/)).toBeDisabled();
  expect(complaints).toEqual([]);
});

const states = { whole: DAY, open: `${DAY}&requirement=R2`, gap: `${DAY}&requirement=R7`, changed: "" };
for (const scheme of ["light", "dark"] as const) {
  for (const [name, asked] of Object.entries(states)) {
    test(`${name} position: axe finds nothing and all fits in the ${scheme}`, async ({ page }) => {
      await page.emulateMedia({ colorScheme: scheme });
      await opened(page, async (address) => {
        await page.goto(`${address}#/position?${asked || `${DAY}&requirement=R14`}`);
        await settled(page);
        if (name === "changed") {
          await page.locator(".detail").getByRole("button", { name: /^Not true: PhD/ }).click();
          await expect(fit(page)).toContainText("Documents as they stand");
          await settled(page);
        }
        const check = async () => {
          await sound(page);
        };
        await check();
        for (const width of [360, 380, 820, 1200, 1440]) {
          await page.setViewportSize({ width, height: 900 });
          await settled(page);
          await fits(page);
          await page.screenshot({ path: join(pictures, `position-${name}-${width}-${scheme}.png`), fullPage: width !== 1440 });
        }
        await page.setViewportSize({ width: 380, height: 900 });
        for (const tab of ["Posting", "Profile"]) {
          await page.getByRole("group", { name: "Show" }).getByRole("button", { name: tab }).click();
          await check();
          await page.screenshot({ path: join(pictures, `position-${name}-${tab}-${scheme}.png`) });
        }
      });
    });
  }
}

/** The report of the twin, as the command keeps it. */
function kept(): string {
  const file = join(mkdtempSync(join(tmpdir(), "workbench-report-")), "analysis.json");
  execFileSync(program, ["position", ...documents, "--as-of", "2025-01-01", "-o", file, "-q"]);
  return file;
}

test("a report that was kept opens by itself, says so, and nothing in it can be changed", async ({ page }) => {
  const [file, expected] = [kept(), told()];
  await opened(
    page,
    async (address) => {
      await page.goto(address);
      await settled(page);
      await expect(page).toHaveURL(/#\/position\?report=analysis/);
      await expect(page.getByRole("region", { name: "Saved report" })).toContainText("A saved report of 2025-01-01, read from analysis.json");
      await expect(page.getByRole("heading", { level: 1 })).toContainText(expected.fit.label);
      for (const end of expected.fit.exact) await expect(fit(page)).toContainText(`exactly ${end}`);
      await expect(fit(page)).toContainText("What would raise it most");
      for (const own of expected.requirements) await expect(head(page, own.id)).toContainText(own.text);
      await head(page, "R14").click();
      await expect(page).toHaveURL(/requirement=R14/);
      await expect(marked(page, "Profile").first()).toContainText("PhD in Computer Science");
      await expect(page.getByRole("button", { name: /Not true|It is the same|Undo/ })).toHaveCount(0);
      await page.getByRole("region", { name: "The report" }).getByText("Interview Preparation").click();
      await expect(page.getByRole("region", { name: "The report" })).toContainText("Deep Dives");
      await sound(page);
      for (const [width, scheme] of [[1280, "light"], [1600, "dark"], [380, "light"]] as const) {
        await page.emulateMedia({ colorScheme: scheme });
        await page.setViewportSize({ width, height: 900 });
        await fits(page);
        await page.screenshot({ path: join(pictures, `report-${width}-${scheme}.png`), fullPage: true });
      }
    },
    [file],
  );
});

test("beside its documents a report leads to them", async ({ page }) => {
  await opened(
    page,
    async (address) => {
      await page.goto(`${address}#/position`);
      await settled(page);
      await page.getByRole("combobox", { name: "Shown" }).selectOption("analysis");
      await expect(page).toHaveURL(/report=analysis/);
      await settled(page);
      await expect(page.getByText("open, the same by its SHA-256")).toHaveCount(documents.length);
      await page.getByRole("link", { name: "compare them now" }).click();
      await expect(page).toHaveURL(/as_of=2025-01-01/);
      await settled(page);
      await expect(page.getByRole("region", { name: "Saved report" })).toHaveCount(0);
    },
    [...documents, kept()],
  );
});

test("a day that is none stays in its field, which is marked", async ({ page }) => {
  await opened(page, async (address) => {
    await page.goto(`${address}#/position?as_of=2025-13-99&posting=posting`);
    await expect(page.getByRole("alert")).toContainText("as_of=2025-13-99: a day is written as");
    const day = page.getByRole("textbox", { name: "As of" });
    await expect(day).toHaveValue("2025-13-99");
    await expect(day).toHaveAttribute("aria-invalid", "true");
    await expect(page.getByRole("button", { name: "Try again" })).toHaveCount(0);
    await page.getByRole("button", { name: "Ask without as_of=2025-13-99" }).click();
    await settled(page);
    await expect(page).toHaveURL(/#\/position\?posting=posting$/);
  });
});
