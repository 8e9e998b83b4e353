// What do people see of work that takes long, and can they stop it?
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, files, fits, pictures, settled, silence, sound, start, test } from "./pellucid";

/** So many times the tour's rows take seconds, on any machine. */
const TIMES = 150;

/** A table whose rows take long. */
function long(times: number): string {
  const [head = "", ...rows] = readFileSync(files[2] ?? "", "utf8").trim().split("\n");
  const many = join(mkdtempSync(join(tmpdir(), "workbench-")), "many.csv");
  writeFileSync(many, `${head}\n${`${rows.join("\n")}\n`.repeat(times)}`);
  return many;
}

test("long work says how far it is, is stopped, and starts again", async ({ page }) => {
  const server = await start([files[0] ?? "", long(TIMES)]);
  try {
    const { outside } = await silence(page, (url) => url.startsWith(server.address));
    await page.goto(`${server.address}#/global`);
    await expect(page.getByRole("progressbar")).toBeVisible();
    await expect(page.locator(".job")).toContainText(/\d/);
    await page.getByRole("button", { name: "Stop" }).click();
    await expect(page.getByRole("heading", { name: "Stopped" })).toBeVisible();

    await page.getByRole("button", { name: "Start again" }).click();
    await expect(page.getByRole("progressbar")).toBeVisible();
    await page.getByRole("navigation").getByRole("link", { name: "Explain row" }).click();
    await settled(page);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Why row 0 came to/);
    expect(outside).toEqual([]);
  } finally {
    server.stop();
  }
});

test("all work is listed, counted beside the pages, leads to who asked, and is stopped", async ({ page }) => {
  const server = await start([files[0] ?? "", long(4 * TIMES)]);
  try {
    const { outside, complaints } = await silence(page, (url) => url.startsWith(server.address));
    await page.goto(`${server.address}#/jobs`);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Nothing is being worked on");
    await expect(page.getByText("What takes longer than a moment stands here")).toBeVisible();
    await page.screenshot({ path: join(pictures, "jobs-empty.png") });

    // Another page of the browser asks and stays.
    const other = await page.context().newPage();
    await silence(other, (url) => url.startsWith(server.address));
    await other.goto(`${server.address}#/global`);
    await expect(other.locator(".job")).toContainText("Explaining", { timeout: 20_000 });
    await expect(other.getByRole("navigation").getByRole("link", { name: /^Jobs/ })).toContainText("1");
    await page.reload();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("1 job running");
    const work = page.getByRole("group", { name: "Being worked on" });
    await expect(work.getByRole("link", { name: /^Explaining/ })).toHaveAttribute("href", /#\/global\?/);
    const done = work.locator("tbody td").first();
    const before = await done.textContent();
    await expect(done).not.toHaveText(before ?? "", { timeout: 10_000 });
    await page.screenshot({ path: join(pictures, "jobs-running.png") });
    // By keys alone.
    await page.keyboard.press("Control+k");
    await page.keyboard.type("stop all work");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Nothing is being worked on", { timeout: 10_000 });
    await expect(page.getByRole("group", { name: "Over" }).locator("tbody tr").first()).toContainText("stopped");
    for (const scheme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme: scheme });
      await sound(page);
      for (const width of [360, 1440]) {
        await page.setViewportSize({ width, height: 800 });
        await fits(page);
        await page.screenshot({ path: join(pictures, `jobs-${width}-${scheme}.png`) });
      }
    }
    await expect(other.getByRole("heading", { name: "Stopped" })).toBeVisible();
    await expect(other.getByRole("navigation").getByRole("link", { name: "Jobs" })).toHaveText("Jobs");
    await page.getByRole("group", { name: "Over" }).getByRole("link", { name: /^Explaining/ }).click();
    await expect(page).toHaveURL(/#\/global/);
    expect(outside).toEqual([]);
    expect(complaints).toEqual([]);
  } finally {
    server.stop();
  }
});
