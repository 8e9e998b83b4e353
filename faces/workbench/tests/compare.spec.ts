// Can any two pages stand beside each other, chosen by keys, and does the address hold both?
import { join } from "node:path";
import { expect, fits, pictures, settled, sound, test } from "./pellucid";

for (const scheme of ["light", "dark"] as const) {
  test(`nothing is compared yet: two lists to choose from, in the ${scheme}`, async ({ quiet: page, server }) => {
    await page.emulateMedia({ colorScheme: scheme });
    await page.goto(`${server.address}#/row?row=17`);
    await settled(page);
    await page.getByRole("button", { name: "Pin this page" }).click();
    await page.getByRole("navigation").getByRole("link", { name: "Compare" }).click();
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Which two?");
    await sound(page);
    for (const width of [360, 1440]) {
      await page.setViewportSize({ width, height: 800 });
      await fits(page);
      await page.screenshot({ path: join(pictures, `compare-empty-${width}-${scheme}.png`) });
    }
    // A pin on one side, a page on the other.
    await page.getByRole("combobox", { name: "A", exact: true }).selectOption({ index: await pinAt(page) });
    await expect(page).toHaveURL(/left=/);
    await page.getByRole("combobox", { name: "B", exact: true }).selectOption({ label: "Explain row" });
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Two of Explain row");
    await expect(page.locator("h2.headline")).toHaveText([/Why row 17 /, /Why row 0 /]);
    await settled(page);
    await sound(page);
    for (const width of [360, 1440]) {
      await page.setViewportSize({ width, height: 900 });
      await fits(page);
      await page.screenshot({ path: join(pictures, `compare-${width}-${scheme}.png`) });
    }
  });
}

/** Where the first pin stands in the list of a side. */
async function pinAt(page: import("@playwright/test").Page): Promise<number> {
  return page.getByRole("combobox", { name: "A", exact: true }).evaluate((select: HTMLSelectElement) => {
    const pin = select.querySelector<HTMLOptionElement>("optgroup[label=Pins] option");
    return [...select.options].indexOf(pin as HTMLOptionElement);
  });
}

test("each half moves by itself, both are swapped, and a reload shows the same", async ({ quiet: page, server }) => {
  const address = (left: string, right: string) => `${server.address}#/compare?${new URLSearchParams({ left, right }).toString()}`;
  await page.goto(address("/row?row=3", "/row?row=4"));
  await settled(page);
  const headings = page.locator("h2.headline");
  // What the addresses differ in stands first, under the marks of both sides.
  const told = page.getByRole("region", { name: "What their addresses say differently" });
  await expect(told.getByRole("row")).toHaveText([/A\s*B/, /row\s*3\s*4/]);
  await expect(headings).toHaveText([/Why row 3 /, /Why row 4 /]);
  await page.getByRole("region", { name: "B", exact: true }).getByRole("button", { name: "Row after" }).click();
  await expect(headings).toHaveText([/Why row 3 /, /Why row 5 /]);
  await expect(page.getByRole("combobox", { name: "B", exact: true })).toHaveValue(/row=5/);
  // By keys: the palette swaps.
  await page.keyboard.press("Control+k");
  await page.keyboard.type("swap");
  await page.keyboard.press("Enter");
  await expect(headings).toHaveText([/Why row 5 /, /Why row 3 /]);
  await page.reload();
  await settled(page);
  await expect(headings).toHaveText([/Why row 5 /, /Why row 3 /]);
  await page.goBack();
  await expect(headings).toHaveText([/Why row 3 /, /Why row 5 /]);
  // Another page on one side leaves the other as it is.
  await page.getByRole("combobox", { name: "B", exact: true }).selectOption({ label: "Explain global" });
  await expect(page.getByRole("region", { name: "B", exact: true }).locator("figure")).toHaveCount(5);
  await expect(headings).toHaveText([/Why row 3 /, /move this model most/]);
  await page.goto(address("/rwo?row=3", "/row?row=4"));
  await expect(page.getByRole("region", { name: "A", exact: true })).toContainText("There is no page “rwo” to compare.");
  await expect(headings).toHaveText([/Why row 4 /]);
});
