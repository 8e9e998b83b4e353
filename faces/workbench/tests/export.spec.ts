// Does a file that was exported work from the disk, without a server?
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, files, pictures, program, settled, silence, test } from "./pellucid";

test("an exported file shows its answers, and says what it does not hold", async ({ page }) => {
  const out = join(pictures, "export.html");
  execFileSync(program, ["workbench", files[0] ?? "", files[2] ?? "", "--export", out]);
  const file = pathToFileURL(out).href;
  const { outside, complaints } = await silence(page, (url) => url.startsWith(file));

  await page.goto(file);
  await settled(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Why row/);
  await expect(page.getByText("live only").first()).toBeVisible();
  await expect(page.getByRole("slider").first()).toBeDisabled();
  await page.getByRole("navigation").getByRole("link", { name: "Explain global" }).click();
  await settled(page);
  await expect(page.locator("figure")).toHaveCount(5);

  await page.goto(`${file}#/row?row=1499&set=age:33`);
  await expect(page.getByRole("alert")).toContainText("Not in this export");
  await expect(page.getByRole("alert")).toContainText("pellucid workbench");
  expect(outside).toEqual([]);
  expect(complaints).toEqual([]);
});

test("an archive that was unpacked shows answers from scripts beside the page", async ({ page }) => {
  const out = join(pictures, "export.zip");
  execFileSync(program, ["workbench", files[0] ?? "", files[2] ?? "", "--export", out]);
  execFileSync("python3", ["-m", "zipfile", "-e", out, pictures]);
  const folder = pathToFileURL(join(pictures, "workbench")).href;
  const { outside, complaints } = await silence(page, (url) => url.startsWith(folder));

  await page.goto(`${folder}/index.html`);
  await settled(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Why row/);
  await page.goto(`${folder}/index.html#/row?row=150`);
  await settled(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Why row 150/);
  await page.goto(`${folder}/index.html#/row?row=1499&set=age:33`);
  await expect(page.getByRole("alert")).toContainText("Not in this export");
  expect(outside).toEqual([]);
  expect(complaints).toEqual([]);
});
