// Are trees drawn as the command line tells them, can they be walked by keys, and does a row's sum come out?
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { expect, files, fits, pictures, program, settled, silence, sound, start, test } from "./pellucid";

interface Told {
  sentence: string;
  nodes: { names: string[]; rows: string[][] };
  row: { margin: number; base: number; library_margin: number; adds: number; by_tree: { tree: number; adds: number }[] } | null;
}

/** What the command line says of the same. */
function inspected(words: readonly string[]): Told {
  return JSON.parse(execFileSync(program, ["inspect", ...words, "--json"], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })) as Told;
}

const numbers = async (page: Page, figure: string): Promise<string[][]> => {
  await page.getByRole("button", { name: `Numbers of the ${figure}` }).click();
  const lines = page.getByRole("group", { name: `Numbers: ${figure}` }).locator("tbody tr");
  return lines.evaluateAll((rows) => rows.map((row) => [...row.querySelectorAll("td")].map((cell) => cell.textContent ?? "")));
};

test("a tree and the way of a row are what the command line says", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/trees?row=17&tree=3`);
  await settled(page);
  const told = inspected([files[0] ?? "", "--tree", "3", "--data", files[2] ?? "", "--row", "17", "--drop", "income"]);
  await expect(page.getByRole("main").getByText(told.sentence)).toBeVisible();
  expect(await numbers(page, "tree")).toEqual(told.nodes.rows);
  const steps = await numbers(page, "steps");
  expect(steps).toHaveLength(101);
  const number = (text: string | undefined) => Number((text ?? "").replaceAll("\u202f", "").replace("−", "-").replace(/·10.*/, ""));
  expect(number(steps.at(-1)?.[2])).toBeCloseTo(told.row?.margin ?? NaN, 5);
  // Every question of the row's way is on the way in the table, and the leaf adds what the command line says.
  const way = page.getByRole("group", { name: "The way of the row" }).locator("tbody tr");
  await expect(way).toHaveCount(4);
  const adds = (told.row?.adds ?? NaN).toPrecision(4).replace("-", "−").replace(/0+$/, "");
  await expect(page.getByText(/^It ends in leaf/)).toContainText(`+${adds}`);
  // The command that the page shows draws the same sentence.
  const command = (await page.locator("footer .command code").textContent()) ?? "";
  expect(command).toContain(" --tree 3 --data ");
  const again = execFileSync("sh", ["-c", `${command.replace(/^pellucid/, program)} --json`], { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] });
  expect((JSON.parse(again) as Told).sentence).toBe(told.sentence);
});

test("categories that are cut in the picture can be read whole", async ({ quiet: page, server }) => {
  await page.setViewportSize({ width: 360, height: 900 });
  await page.goto(`${server.address}#/trees?row=17`);
  await settled(page);
  const whole = "relationship is Not-in-family, Other-relative, Own-child or Unmarried";
  const root = page.locator('figure [data-go="node:0"]');
  await expect(root).toHaveAttribute("aria-label", new RegExp(`^${whole}`));
  await root.hover({ force: true });
  await expect(page.locator(".tip:popover-open")).toContainText(whole);
  expect((await numbers(page, "tree"))[0]).toContain(whole);
  // Beside the picture by keys, too: no pointer is needed.
  const short = page.getByRole("group", { name: "The way of the row" }).locator("summary");
  await expect(short).toHaveText("relationship is one of 4: Not-in-family, Other-relative, Own-child, …");
  await short.press("Enter");
  await expect(page.getByText(`${whole}; missing goes to no`)).toBeVisible();
  await sound(page);
  await page.screenshot({ path: join(pictures, "trees-whole-360.png"), fullPage: true });
});

test("a node opens, its way leads back, and a bar leads to its tree", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/trees?depth=1`);
  await settled(page);
  const stub = page.locator('figure [data-go^="node:"]').nth(1);
  const words = (await stub.getAttribute("aria-label")) ?? "";
  expect(words).toMatch(/more nodes below/);
  const box = await stub.boundingBox();
  if (!box) throw new Error("no box");
  await page.mouse.click(box.x + box.width / 2, box.y + 8);
  await expect(page).toHaveURL(/node=\d+/);
  await settled(page);
  const trail = page.getByRole("navigation", { name: "The way to this node" });
  await expect(trail.getByRole("listitem")).toHaveCount(3);
  await trail.getByRole("button", { name: "The whole tree" }).click();
  await expect(page).not.toHaveURL(/node=/);
  await settled(page);
  await expect(trail).toHaveCount(0);

  const bar = page.locator('figure [data-go="tree:5"]');
  await bar.scrollIntoViewIfNeeded();
  const at = await bar.boundingBox();
  if (!at) throw new Error("no bar");
  await page.mouse.click(at.x + at.width / 2, at.y + at.height / 2);
  await expect(page).toHaveURL(/tree=5/);
  await settled(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Tree 5 /);
  await page.getByRole("button", { name: "largest first" }).click();
  await expect(page).toHaveURL(/by=adds/);
  await settled(page);
  const adds = await page.getByRole("group", { name: "Trees", exact: true }).locator("tbody td:nth-child(2)").allTextContents();
  const sizes = adds.map((text) => Math.abs(Number(text.replace("−", "-"))));
  expect(sizes.length).toBe(100);
  expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
});

test("keys alone walk a tree: child, parent, level, open", async ({ quiet: page, server }) => {
  await page.goto(`${server.address}#/trees?tree=3`);
  await settled(page);
  const focused = () => page.evaluate(() => (document.activeElement as HTMLElement | null)?.dataset.go ?? "");
  const label = () => page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? "");
  // The picture is one stop of the Tab key.
  await page.getByRole("button", { name: "Take the tree along" }).focus();
  await page.keyboard.press("Tab");
  expect(await focused()).toBe("node:0");
  await page.keyboard.press("ArrowDown");
  const child = await focused();
  expect(child).toBe("node:1");
  expect(await label()).toMatch(/^yes/);
  await page.keyboard.press("ArrowRight");
  expect(await focused()).not.toBe(child);
  expect(await label()).toMatch(/^no/);
  await page.keyboard.press("ArrowUp");
  expect(await focused()).toBe("node:0");
  await page.keyboard.press("ArrowUp");
  expect(await focused()).toBe("node:0");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/node=1\b/);
  await settled(page);
  // The focus stays on the node that was opened.
  await expect.poll(focused).toBe("node:1");
  await page.keyboard.press("Control+k");
  await page.keyboard.type("whole tree");
  await page.keyboard.press("Enter");
  await expect(page).not.toHaveURL(/node=/);
  await settled(page);
  await page.keyboard.press(".");
  await expect(page).toHaveURL(/tree=4/);
  await settled(page);
  await page.keyboard.press("]");
  await expect(page).toHaveURL(/row=1\b/);
  await settled(page);
  await page.keyboard.press("Control+k");
  await page.keyboard.type("tree 42");
  await page.keyboard.press("Enter");
  await expect(page).toHaveURL(/tree=42/);
  await settled(page);
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^Tree 42 /);
});

const shown = { tree: "#/trees?row=17&tree=3", deep: "#/trees?row=17&depth=10&node=1" };
for (const scheme of ["light", "dark"] as const) {
  for (const [name, address] of Object.entries(shown)) {
    test(`axe finds nothing on ${name} in the ${scheme}, and it fits 360 to 1440 pixels`, async ({ quiet: page, server }) => {
      await page.emulateMedia({ colorScheme: scheme });
      await page.goto(server.address + address);
      await settled(page);
      for (const button of await page.getByRole("button", { name: /^Numbers of/ }).all()) await button.click();
      await sound(page);
      for (const button of await page.getByRole("button", { name: /^Numbers of/ }).all()) await button.click();
      for (const width of [360, 380, 768, 1280, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        await settled(page);
        await fits(page);
        await page.screenshot({ path: join(pictures, `trees-${name}-${width}-${scheme}.png`), fullPage: true });
      }
    });
  }
}

test("what is asked wrongly is told, with the way out", async ({ quiet: page, server }) => {
  for (const [address, text] of [
    ["tree=100", "the model has 100 trees, counted from 0"],
    ["node=999", "nodes, counted from 0"],
    ["depth=11", "between 1 and 10 levels"],
    ["row=1500", "the table has 1500 rows"],
    ["by=add", "did you mean `adds`?"],
  ] as const) {
    await page.request.get(`${server.address}api/trees?model=adult-xgboost&data=adult&${address}`).then(async (response) => {
      expect(response.status()).toBeGreaterThanOrEqual(400);
      expect(response.status()).toBeLessThan(500);
      expect(await response.text()).toContain(text);
    });
  }
});

test("categories, several outputs and a table that does not fit", async ({ page }) => {
  const fixtures = fileURLToPath(new URL("../../../fixtures/", import.meta.url));
  const opened = ["xgboost-3.4.1/cat-binary.json", "lightgbm-4.7.0/cat-strings.txt", "catboost-1.2.10/multiclass.json", "tour/adult.csv"];
  const server = await start(opened.map((name) => join(fixtures, name)));
  try {
    const { outside, complaints } = await silence(page, (url) => url.startsWith(server.address));
    await page.goto(`${server.address}#/trees?tree=1`);
    await settled(page);
    await expect(page.locator("figure").first()).toContainText("Tree 1 asks for c1 first");
    await expect(page.getByText(/No row of adult.csv is followed/)).toBeVisible();
    await expect(page.getByRole("group", { name: "Row" })).toHaveCount(0);
    await page.getByRole("combobox", { name: "Model" }).selectOption("multiclass");
    await settled(page);
    await page.getByRole("combobox", { name: "Output" }).selectOption("2");
    await expect(page).toHaveURL(/output=2/);
    await settled(page);
    await page.screenshot({ path: join(pictures, "trees-outputs-1280-light.png"), fullPage: true });
    await sound(page);
    expect(outside).toEqual([]);
    expect(complaints).toEqual([]);
  } finally {
    server.stop();
  }
});
