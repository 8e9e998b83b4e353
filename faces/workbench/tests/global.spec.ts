// Does the global page sum up all rows, and does it lead on to features and rows?
import { expect, settled, test } from "./pellucid";

test("all rows are explained; a feature leads to its dependence, a row to its page", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/global`);
  await settled(page);
  await expect(page.locator("figure")).toHaveCount(5);
  await expect(page.getByText(/rows( are drawn|\.)/).first()).toBeVisible();

  const choice = page.getByRole("combobox", { name: "Feature" });
  const first = await choice.inputValue();
  const mark = page.locator(`figure [data-go^="feature:"]:not([data-go="feature:${first}"])`).first();
  const feature = ((await mark.getAttribute("data-go")) ?? "").slice("feature:".length);
  // Where people click, on what is drawn over it.
  const box = await mark.boundingBox();
  if (!box) throw new Error("no mark");
  await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2);
  await expect(page).toHaveURL(new RegExp(`feature=${encodeURIComponent(feature)}`));
  await expect(choice).toHaveValue(feature);
  await settled(page);
  await page.reload();
  await settled(page);
  await expect(choice).toHaveValue(feature);

  await page.getByRole("link", { name: /^row \d/ }).first().click();
  await expect(page).toHaveURL(/#\/row\?.*row=\d+/);
  await settled(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Why row/);
});

test("model and data carry over from page to page", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/row?row=17`);
  await settled(page);
  const model = page.getByRole("combobox", { name: "Model" });
  const other = (await model.locator("option").nth(1).getAttribute("value")) ?? "";
  await model.selectOption(other);
  await settled(page);
  await page.getByRole("navigation").getByRole("link", { name: "Explain global" }).click();
  await expect(page).toHaveURL(new RegExp(`#/global\\?.*model=${other}`));
  await settled(page);
  await expect(model).toHaveValue(other);
});
