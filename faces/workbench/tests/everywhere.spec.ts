// Can everybody use it? By keys alone, by a screen reader, in the dark, on a narrow screen; with what they marked kept for them.
import { join } from "node:path";
import { expect, fits, pictures, settled, sound, test } from "./pellucid";

const pages = { row: "#/row?row=17", changed: "#/row?row=17&set=age:60&up=capital-gain&hold=sex&by=adds&feature=age", global: "#/global" };

for (const scheme of ["light", "dark"] as const) {
  for (const [name, address] of Object.entries(pages)) {
    test(`axe finds nothing on ${name} in the ${scheme}`, async ({ quiet: page, server }) => {
      await page.emulateMedia({ colorScheme: scheme });
      await page.goto(server.address + address);
      await settled(page);
      for (const button of await page.getByRole("button", { name: /^Numbers of/ }).all()) await button.click();
      await sound(page);
    });

    for (const width of [380, 1440]) {
      test(`${name} fits ${width} pixels in the ${scheme}`, async ({ quiet: page, server }) => {
        await page.emulateMedia({ colorScheme: scheme });
        await page.setViewportSize({ width, height: 900 });
        await page.goto(server.address + address);
        await settled(page);
        await fits(page);
        await page.screenshot({ path: join(pictures, `${name}-${width}-${scheme}.png`), fullPage: true });
      });
    }
  }
}

test("360 pixels are enough", async ({ quiet: page, server }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  for (const address of Object.values(pages)) {
    await page.goto(server.address + address);
    await settled(page);
    await fits(page);
  }
  // The page that is open is whole in the line of pages, beside edges that fade: at its beginning, within it and at its end.
  for (const [name, fades] of [["row", "after"], ["data", "before after"], ["trees", "before after"], ["jobs", "before"]] as const) {
    await page.goto(`${server.address}#/${name}`);
    const line = page.getByRole("navigation", { name: "Pages" });
    const open = line.locator(`[aria-current][href^="#/${name}"]`);
    await expect(open).toBeVisible();
    await expect.poll(() => line.evaluate((nav) => ["before", "after"].filter((side) => nav.classList.contains(side)).join(" ")), name).toBe(fades);
    const [all, own] = await Promise.all([line.boundingBox(), open.boundingBox()]);
    const [left, right] = [all?.x ?? 0, (all?.x ?? 0) + (all?.width ?? 0)];
    expect(own?.x, name).toBeGreaterThanOrEqual(left + (fades.includes("before") ? 24 : 0));
    expect((own?.x ?? 0) + (own?.width ?? 0), name).toBeLessThanOrEqual(right - (fades.includes("after") ? 24 : 0));
  }
});

test("axe finds nothing in the palette and the keys", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/row?row=17`);
  await settled(page);
  for (const key of ["Control+k", "?"]) {
    await page.keyboard.press(key);
    await expect(page.getByRole("dialog")).toBeVisible();
    await sound(page);
    await page.keyboard.press("Escape");
    await expect(page.getByRole("dialog")).toHaveCount(0);
  }
});

test("keys alone are enough", async ({ quiet: page, server }) => {
  await page.goto(server.address);
  await settled(page);
  await page.keyboard.press("Tab");
  await expect(page.getByRole("link", { name: "Skip to the page" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.locator("main")).toBeFocused();

  await page.keyboard.press("Control+k");
  await page.keyboard.type("row 23");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/row=23/);
  await settled(page);
  await page.keyboard.press("]");
  await expect(page).toHaveURL(/row=24/);
  await settled(page);

  await page.keyboard.press("Control+k");
  await page.keyboard.type("age");
  await page.keyboard.press("Enter");
  const slider = page.getByRole("slider", { name: "age, what if" });
  await expect(slider).toBeFocused();
  const before = await slider.getAttribute("aria-valuetext");
  await page.keyboard.press("ArrowRight");
  await expect(page).toHaveURL(/set=age:/);
  await settled(page);
  await expect(slider).not.toHaveAttribute("aria-valuetext", before ?? "");
  await expect(slider).toBeFocused();

  await page.keyboard.press("Control+k");
  await page.keyboard.type("explain global");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/#\/global/);
  await settled(page);
  const mark = page.locator('figure [data-go][tabindex="0"]').first();
  await mark.focus();
  await page.keyboard.press("ArrowDown");
  await expect(page.locator("figure [data-go]:focus")).toHaveCount(1);
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/feature=/);
});

test("a pin keeps an address with a note, and two are compared", async ({ quiet: page, server }) => {
  for (const row of [17, 18]) {
    await page.goto(`${server.address}#/row?row=${row}`);
    await settled(page);
    await page.getByRole("button", { name: "Pin this page" }).click();
    const note = page.getByRole("textbox", { name: "Note" });
    await note.fill(`The row ${row}`);
    await note.press("Enter");
  }
  await page.reload();
  const pins = page.getByRole("region", { name: "Pins" });
  await expect(pins.getByRole("link")).toHaveText(["The row 17", "The row 18"]);
  await pins.getByRole("link", { name: "The row 17" }).click();
  await expect(page).toHaveURL(/row=17/);
  for (const box of await pins.getByRole("checkbox").all()) await box.check();
  await pins.getByRole("button", { name: "Compare both" }).click();
  await expect(page.locator("h2.headline")).toHaveText([/Why row 17/, /Why row 18/]);
  await settled(page);
  await sound(page);
  await pins.getByRole("button", { name: "Remove The row 17" }).click();
  await expect(pins.getByRole("link")).toHaveText(["The row 18"]);
});

test("the theme that was chosen is remembered", async ({ quiet: page, server }) => {
  await page.goto(server.address);
  await settled(page);
  const color = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await color();
  await page.getByRole("combobox", { name: "Theme" }).selectOption("dark");
  const dark = await color();
  expect(dark).not.toBe(light);
  await page.reload();
  await settled(page);
  expect(await color()).toBe(dark);
});
