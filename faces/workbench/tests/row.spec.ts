// Does the row page explain a row, and does it answer what people change?
import { expect, settled, test } from "./pellucid";

test("a row is explained in words, pictures and numbers", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/row?row=17`);
  await settled(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Why row 17 came to [−\d.]+ \([\d.]+ %\)$/);
  await expect(page.locator("figure")).toHaveCount(2);
  await expect(page.getByText(/exact, residual (0|≤ [\d·]*10⁻)/)).toBeVisible();
  const numbers = page.getByRole("button", { name: "Numbers of the waterfall" });
  await numbers.click();
  await expect(numbers).toHaveAttribute("aria-expanded", "true");
  await expect(page.getByRole("group", { name: "Numbers: waterfall" }).locator("tbody tr").first()).toBeVisible();
});

test("a changed value changes the answer, and the address holds it", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/row?row=17`);
  await settled(page);
  const title = page.getByRole("heading", { level: 1 });
  const before = await title.textContent();
  const age = page.getByRole("spinbutton", { name: "age, number" });
  await age.fill("61");
  await age.press("Enter");
  await expect(page.locator(".change")).toContainText("in the data");
  await expect(title).not.toHaveText(before ?? "");
  await expect(page).toHaveURL(/set=age:61/);
  await settled(page);
  const after = await title.textContent();

  await page.reload();
  await settled(page);
  await expect(title).toHaveText(after ?? "");
  await expect(age).toHaveValue("61");

  await page.getByRole("button", { name: "Reset age" }).click();
  await expect(title).toHaveText(before ?? "");
  await expect(page).not.toHaveURL(/set=/);
  await page.goBack();
  await expect(title).toHaveText(after ?? "");
});

test("a slider that was dragged is one step back", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/row?row=17`);
  await settled(page);
  const slider = page.getByRole("slider", { name: "age, what if" });
  const box = await slider.boundingBox();
  if (!box) throw new Error("no slider");
  await page.mouse.move(box.x + 0.3 * box.width, box.y + box.height / 2);
  await page.mouse.down();
  for (let at = 3; at <= 8; at++) await page.mouse.move(box.x + (at / 10) * box.width, box.y + box.height / 2);
  await page.mouse.up();
  await expect(page).toHaveURL(/set=age:\d+/);
  await settled(page);
  await page.goBack();
  await expect(page).not.toHaveURL(/set=/);
});

test("a change that turns the decision is tried by its button", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/row?row=17`);
  await settled(page);
  await page.getByRole("button", { name: /^Try / }).first().click();
  await expect(page).toHaveURL(/set=/);
  await settled(page);
  await expect(page.locator(".change")).toContainText("→");
});

test("a constraint keeps a feature from moving", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/row?row=17`);
  await settled(page);
  await page.getByRole("combobox", { name: "age, constraint" }).selectOption("held");
  await expect(page).toHaveURL(/hold=age/);
  await settled(page);
  await expect(page.getByRole("combobox", { name: "age, constraint" })).toHaveValue("held");
  await page.getByRole("button", { name: "Reset all" }).click();
  await expect(page).not.toHaveURL(/hold=/);
});

test("rows are stepped through, and a near row is a link", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/row?row=17`);
  await settled(page);
  await page.getByRole("button", { name: "Row after" }).click();
  await expect(page).toHaveURL(/row=18/);
  await page.keyboard.press("k");
  await page.keyboard.press("[");
  await expect(page).toHaveURL(/row=16/);
  await settled(page);
  const link = page.getByRole("group", { name: "Rows that are near" }).getByRole("link").first();
  const row = await link.textContent();
  await link.click();
  await expect(page).toHaveURL(new RegExp(`row=${row}(&|$)`));
});

test("a row that is not there says what to do", async ({ page, server }) => {
  await page.goto(`${server.address}#/row?row=999999`);
  const trouble = page.getByRole("alert");
  await expect(trouble).toContainText("999");
  await page.goto(`${server.address}#/row?row=3`);
  await settled(page);
  await expect(trouble).toHaveCount(0);
});

test("pictures are taken along as files", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/row?row=17`);
  await settled(page);
  for (const [entry, beginning] of [
    ["Download SVG", "<svg"],
    ["Download PNG", "\u0089PNG"],
    ["Download CSV", ""],
    ["Download JSON", "{"],
  ] as const) {
    await page.getByRole("button", { name: "Take the waterfall along" }).click();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: entry }).click()]);
    expect(download.suggestedFilename()).toMatch(/row-17-waterfall\.(svg|png|csv|json)$/);
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString("latin1");
    expect(text.startsWith(beginning)).toBe(true);
    expect(text.length).toBeGreaterThan(60);
    if (entry === "Download SVG") expect(text).toMatch(/prefers-color-scheme:dark[^]*rgb\(/);
  }
});
