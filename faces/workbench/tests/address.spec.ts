// Does what an address gets wrong stay where it can be seen and changed, and does a page lead on from there?
import { mkdtempSync } from "node:fs";
import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, files, opened, pictures, program, settled, sound } from "./pellucid";
import { test } from "@playwright/test";

const [model = "", , data = ""] = files;

test("a row that is no number is told as it was written", async ({ page }) => {
  await opened(page, [model, data], async (address) => {
    await page.goto(`${address}#/row?row=abc`);
    await expect(page.getByRole("alert")).toContainText("row=abc");
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("Why a row came to its answer");
    const field = page.getByRole("textbox", { name: "Row" });
    await expect(field).toHaveValue("abc");
    await expect(field).toHaveAttribute("aria-invalid", "true");
    for (const name of ["Row before", "Row after"]) await expect(page.getByRole("button", { name })).toBeDisabled();
    await page.keyboard.press("]");
    await expect(page).toHaveURL(/row=abc$/);
    await sound(page);
    await field.fill("17");
    await field.press("Enter");
    await settled(page);
    await expect(page.getByRole("heading", { level: 1 })).toContainText("Why row 17 came to");
    await page.goto(`${address}#/row?row=99999`);
    await page.getByRole("button", { name: "Ask without row=99999" }).click();
    await expect(page).not.toHaveURL(/row=99999/);
    await settled(page);
  });
});

test("going back is offered where it stays in the workbench", async ({ page }) => {
  await opened(page, [model, data], async (address) => {
    const back = page.getByRole("button", { name: "Go back" });
    await page.goto(`${address}#/row?row=abc`);
    await expect(page.getByRole("link", { name: "Begin anew" })).toBeVisible();
    await expect(back).toHaveCount(0);
    await page.reload();
    await expect(page.getByRole("link", { name: "Begin anew" })).toBeVisible();
    await expect(back).toHaveCount(0);
    await page.getByRole("link", { name: "Begin anew" }).click();
    await settled(page);
    await page.evaluate(() => (location.hash = "#/row?row=xyz"));
    await back.click();
    await expect(page).toHaveURL(/#\/row$/);
    await settled(page);
    await page.goBack();
    await expect(page.getByRole("alert")).toContainText("row=abc");
    await expect(back).toHaveCount(0);
  });
});

test("names that a page does not ask for are said", async ({ page }) => {
  await opened(page, [model, data], async (address) => {
    const also = page.getByText("The address also says");
    const ofPage = "which this page does not ask for";
    // What goes along from page to page is nothing to speak of, and each side of a comparison has an address of its own.
    for (const [at, said] of [
      ["row?rwo=17", ["The address also says rwo, which no page knows."]],
      ["trees?where=age:known&tree=1", []],
      ["row?row=17&tree=3&left=/row&rwo=1&wher=x", [`The address also says left and tree, ${ofPage}.`, "The address also says rwo and wher, which no page knows."]],
      ["rules?a=1&set=age:3&lambda=1/50&where=age:known", [`The address also says a, set and where, ${ofPage}.`]],
      ["jobs?feature=age&model=x", []],
      ["compare?left=/row?row%3D17&right=/trees?row%3D17%26cut%3D1&row=2", [`The address also says row, ${ofPage}.`, `The address also says cut, ${ofPage}.`]],
      ["row?row=17&values=adult", [`The address also says values, ${ofPage}.`]],
      ["row?row=17&feature=age&by=adds", []],
    ] as const) {
      await page.goto(`${address}#/${at}`);
      await expect(also, at).toHaveText([...said]);
    }
    await settled(page);
    await expect(also).toHaveCount(0);
  });
});

test("a prompt that is too long is the address's fault", async ({ page }) => {
  await opened(page, [], async (address) => {
    await page.goto(`${address}#/attention?text=${"A+".repeat(6000)}`);
    await expect(page.getByRole("alert")).toContainText("the text", { ignoreCase: true });
    await expect(page.getByRole("button", { name: "Try again" })).toHaveCount(0);
    await expect(page.getByRole("textbox", { name: "Prompt" })).toHaveAttribute("aria-invalid", "true");
    await page.getByRole("button", { name: /^Ask without text=A A .*…$/ }).click();
    await settled(page);
  });
});

test("fields stay where an answer is refused", async ({ page }) => {
  const folder = mkdtempSync(join(tmpdir(), "address-"));
  const store = join(folder, "runs");
  execFileSync(program, ["runs", "init", store], { stdio: "ignore" });
  execFileSync(program, ["predict", model, data, "-o", join(folder, "predicted.csv"), "--run", store], { stdio: "ignore" });
  await opened(page, [store, model, data], async (address) => {
    await page.goto(`${address}#/runs?since=2026-02-31`);
    const since = page.getByRole("textbox", { name: "Since (UTC)" });
    await expect(since).toHaveValue("2026-02-31");
    await expect(since).toHaveAttribute("aria-invalid", "true");
    await page.setViewportSize({ width: 380, height: 900 });
    await page.screenshot({ path: join(pictures, "address-since-380.png"), fullPage: true });
    await since.fill("2026-01-31");
    await since.press("Enter");
    await expect(page.getByRole("group", { name: "Runs" })).toBeVisible();
    await expect(page.getByRole("alert")).toHaveCount(0);

    await page.goto(`${address}#/rules?max_conditions=few`);
    await expect(page.getByRole("alert")).toContainText("max_conditions=few");
    for (const name of ["Target", "Rules predict"]) await expect(page.getByRole("textbox", { name })).toBeVisible();
    await page.setViewportSize({ width: 1280, height: 900 });
    await page.screenshot({ path: join(pictures, "address-rules-1280.png"), fullPage: true });
  });
});
