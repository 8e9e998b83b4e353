// What do people see of work that takes long, and can they stop it?
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, files, settled, silence, start, test } from "./pellucid";

/** So many times the tour's rows take seconds, on any machine. */
const TIMES = 150;

test("long work says how far it is, is stopped, and starts again", async ({ page }) => {
  const [head = "", ...rows] = readFileSync(files[2] ?? "", "utf8").trim().split("\n");
  const many = join(mkdtempSync(join(tmpdir(), "workbench-")), "many.csv");
  writeFileSync(many, `${head}\n${`${rows.join("\n")}\n`.repeat(TIMES)}`);
  const server = await start([files[0] ?? "", many]);
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
