// Are runs of the real program found, told, compared, annotated and kept, by keys and by everybody?
import { execFileSync } from "node:child_process";
import { appendFileSync, copyFileSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Page } from "@playwright/test";
import { expect, files, fits, pictures, program, type Server, silence, sound, start, test, unpackedAt } from "./pellucid";

const folder = mkdtempSync(join(tmpdir(), "workbench-runs-"));
const store = join(folder, "runs");
const [model = "", , data = ""] = files.map((file) => join(folder, basename(file)));
let server: Server;

const pellucid = (...words: string[]) => execFileSync(program, words, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
interface Line {
  id: string;
  verb: string;
  seconds: number;
}
const listed = (...words: string[]) => (JSON.parse(pellucid("runs", "list", "--json", "--store", store, ...words)) as { runs: Line[] }).runs;
const shown = (id: string) => (JSON.parse(pellucid("runs", "show", id, "--json", "--store", store)) as { tags: string[]; note: string | null });

test.beforeAll(async () => {
  for (const file of [files[0], files[2]]) copyFileSync(file ?? "", join(folder, basename(file ?? "")));
  pellucid("runs", "init", store);
  pellucid("explain", model, data, "--row", "3", "-o", join(folder, "three.csv"), "--run", store);
  pellucid("predict", model, data, "-o", join(folder, "predicted.csv"), "--run", store);
  const own = join(folder, "own");
  mkdirSync(own);
  pellucid("explain", model, data, "--row", "5", "-o", join(own, "five.svg"), "--run", own);
  pellucid("runs", "add", own, "--tag", "paper", "--store", store);
  server = await start([store, model, data]);
});
test.afterAll(() => {
  server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const ready = async (page: Page) => {
  await expect(page.locator("main h1")).toBeVisible();
  await expect(page.locator("[aria-busy=true]")).toHaveCount(0, { timeout: 20_000 });
};

async function quietly(page: Page, work: () => Promise<void>): Promise<void> {
  const { outside, complaints } = await silence(page, (url) => url.startsWith(server.address));
  await work();
  expect(outside).toEqual([]);
  expect(complaints).toEqual([]);
}

test("runs are listed as the command lists them, filtered, and one is told", async ({ page }) => {
  await quietly(page, async () => {
    await page.goto(`${server.address}#/runs`);
    await ready(page);
    const rows = page.getByRole("group", { name: "Runs" }).locator("tbody tr");
    const all = listed();
    await expect(rows).toHaveCount(all.length);
    await expect(rows.locator("td:nth-child(3)")).toHaveText(all.map((run) => run.verb));
    await page.getByRole("combobox", { name: "Verb" }).selectOption("predict");
    await expect(page).toHaveURL(/verb=predict/);
    await expect(rows).toHaveCount(1);
    await page.getByRole("button", { name: "Clear" }).click();
    await page.getByRole("searchbox", { name: "Find" }).fill("five.svg");
    await page.keyboard.press("Enter");
    await expect(rows).toHaveCount(1);
    await expect(page.getByText("All of 1 run that fit, of 3.")).toBeVisible();
    await page.screenshot({ path: join(pictures, "runs-list.png"), fullPage: true });

    await rows.getByRole("button").click();
    await ready(page);
    const [five = { id: "" }] = listed("five.svg");
    const again = pellucid("runs", "show", five.id, "--store", store).match(/^again +(.*)$/m)?.[1] ?? "none";
    await expect(page.locator("pre code")).toHaveText(again);
    await expect(page.getByText("All 3 files are as they were.")).toBeVisible();
    await page.getByRole("button", { name: "Show five.svg" }).click();
    await expect(page).toHaveURL(/output=0/);
    const picture = page.getByRole("img", { name: /five\.svg/ });
    await expect(picture).toBeVisible();
    expect(await picture.evaluate((image: HTMLImageElement) => image.naturalWidth)).toBeGreaterThan(100);
    await page.reload();
    await expect(picture).toBeVisible();
    // What was opened leads to its page.
    await page.getByRole("group", { name: "Went in" }).getByRole("link", { name: basename(model) }).click();
    await expect(page).toHaveURL(/#\/row\?model=adult-xgboost/);
  });
});

test("a file that changed is told, and one that is gone", async ({ page }) => {
  await quietly(page, async () => {
    const [three = { id: "" }] = listed("three.csv");
    appendFileSync(join(folder, "three.csv"), "more\n");
    await page.goto(`${server.address}#/runs?run=${three.id}`);
    await ready(page);
    await expect(page.getByText("Of 3 files 2 are as they were; 1 changed.")).toBeVisible();
    rmSync(join(folder, "three.csv"));
    await page.reload();
    await expect(page.getByText("Of 3 files 2 are as they were; 1 gone.")).toBeVisible();
    await expect(page.getByText("lies elsewhere")).toBeVisible();
  });
});

test("notes and tags are kept in the store, and two runs are compared", async ({ page }) => {
  await quietly(page, async () => {
    const [predicted = { id: "" }] = listed("--verb", "predict");
    await page.goto(`${server.address}#/runs?run=${predicted.id}`);
    await ready(page);
    await page.getByRole("textbox", { name: "Note" }).fill("The second try");
    await page.getByRole("textbox", { name: "Tag" }).fill("draft");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("button", { name: "Take the tag draft away" })).toBeVisible();
    expect(shown(predicted.id)).toMatchObject({ tags: ["draft"], note: "The second try" });
    await page.getByRole("button", { name: "Take the tag draft away" }).click();
    await expect(page.getByRole("button", { name: "Take the tag draft away" })).toHaveCount(0);
    expect(shown(predicted.id).tags).toEqual([]);
    await page.getByRole("textbox", { name: "Tag" }).fill("x".repeat(64) + ",");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("button", { name: /Take the tag xxx/ })).toBeVisible();

    await page.getByRole("button", { name: "Compare with another" }).click();
    await ready(page);
    await expect(page.getByRole("checkbox", { checked: true })).toHaveCount(1);
    await page.getByRole("checkbox", { checked: false }).first().check();
    await page.getByRole("button", { name: "Compare both" }).click();
    await ready(page);
    await expect(page).toHaveURL(/other=.*run=/);
    const url = new URLSearchParams(new URL(page.url()).hash.split("?")[1]);
    const told = JSON.parse(pellucid("runs", "diff", url.get("run") ?? "", url.get("other") ?? "", "--json", "--store", store)) as { differences: unknown[] };
    expect(told.differences.length).toBeGreaterThan(1);
    await expect(page.getByRole("group", { name: "Differences" }).locator("tbody tr")).toHaveCount(told.differences.length);
    await expect(page.getByRole("heading", { name: `${told.differences.length} differences` })).toBeVisible();
    await page.screenshot({ path: join(pictures, "runs-two.png"), fullPage: true });
  });
});

test("what a page shows is kept as a run while the workbench is open, and so is what a terminal does", async ({ page }) => {
  await quietly(page, async () => {
    const before = listed().length;
    await page.goto(`${server.address}#/row?row=17`);
    await ready(page);
    await page.getByRole("button", { name: "Keep as a run" }).click();
    await page.getByRole("link", { name: "see the run" }).click();
    await ready(page);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(/^workbench, \d+ \w+ \d{4}, /);
    await expect(page.getByText(/^All \d+ files are as they were\.$/).or(page.getByText(/All \d+ files are as they were/))).toBeVisible();
    await page.getByRole("button", { name: "Show waterfall.svg" }).click();
    await expect(page.getByRole("img", { name: /waterfall/ })).toBeVisible();
    await page.screenshot({ path: join(pictures, "runs-kept.png"), fullPage: true });
    await page.getByRole("link", { name: "Open this answer in the workbench" }).click();
    await expect(page).toHaveURL(/#\/row\?.*row=17/);
    await ready(page);

    pellucid("predict", model, data, "-o", join(folder, "later.csv"), "--run", store);
    await page.goto(`${server.address}#/runs`);
    await ready(page);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText(`${before + 2} runs`);
  });
});

test("the commands that are shown do the same", async ({ page }) => {
  const { outside } = await silence(page, (url) => url.startsWith(server.address));
  const shell = (command: string) => execFileSync("sh", ["-c", command.replace(/^pellucid /, `'${program}' `)], { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
  const shownAt = async (hash: string) => {
    await page.goto(`${server.address}${hash}`);
    await ready(page);
    return (await page.locator("main footer .command code").textContent()) ?? "";
  };
  for (const hash of ["#/runs", "#/runs?verb=explain&sort=oldest&from=1", "#/runs?text=five.svg&tag=paper", "#/runs?text=--help"]) {
    const lines = shell(await shownAt(hash)).trim().split("\n").filter((line) => /^[0-9a-z]{8} /.test(line));
    const rows = page.getByRole("group", { name: "Runs" }).locator("tbody tr");
    expect(lines.length, hash).toBe(await rows.count());
    const shorts = await rows.getByRole("checkbox").evaluateAll((boxes) => boxes.map((box) => box.getAttribute("aria-label")?.split(" ")[1]));
    expect(lines.map((line) => line.split(" ")[0])).toEqual(shorts);
  }
  const [five = { id: "" }] = listed("five.svg");
  expect(shell(await shownAt(`#/runs?run=${five.id}`))).toContain(five.id);
  const states = (await (await page.request.get(`${server.address}api/runs/files?run=${five.id}`)).json()) as { command: string; inputs: string[]; outputs: string[] };
  expect([...states.inputs, ...states.outputs]).toEqual(["same", "same", "same"]);
  expect(shell(states.command).match(/: OK$/gm)).toHaveLength(3);
  expect(outside).toEqual([]);
});

test("keys alone are enough", async ({ page }) => {
  await quietly(page, async () => {
    await page.goto(`${server.address}#/row?row=18`);
    await ready(page);
    const before = listed().length;
    await page.keyboard.press("Control+k");
    await page.keyboard.type("keep as a run");
    await page.keyboard.press("Enter");
    await expect(page.getByRole("link", { name: "see the run" })).toBeVisible();
    expect(listed().length).toBe(before + 1);
    await page.keyboard.press("Control+k");
    await page.keyboard.type("runs");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/#\/runs/);
    await ready(page);
    await page.getByRole("searchbox", { name: "Find" }).focus();
    await page.keyboard.type("five");
    await page.keyboard.press("Enter");
    await expect(page).toHaveURL(/text=five/);
    await ready(page);
    const row = page.getByRole("group", { name: "Runs" }).locator("tbody tr");
    await expect(row).toHaveCount(1);
    for (let at = 0; at < 30 && !(await row.getByRole("button").evaluate((one) => one === document.activeElement)); at++) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await ready(page);
    await expect(page.getByRole("heading", { name: "Do it again" })).toBeVisible();
  });
});

test("what is wrong in the address is told", async ({ page }) => {
  const { outside } = await silence(page, (url) => url.startsWith(server.address));
  await page.goto(`${server.address}#/runs?run=nope`);
  await expect(page.getByRole("alert")).toContainText("no run in");
  await page.goto(`${server.address}#/runs?since=yesterday`);
  await expect(page.getByRole("alert")).toContainText("2026-11-27");
  await page.goto(`${server.address}#/runs?since=2026-13-99&verb=explain`);
  await expect(page.getByRole("alert")).toContainText("since=2026-13-99: a moment in UTC");
  await page.getByRole("button", { name: "Ask without since=2026-13-99" }).click();
  await expect(page).toHaveURL(/#\/runs\?verb=explain$/);
  await ready(page);
  await page.goto(`${server.address}#/runs?verb=explian`);
  await expect(page.getByText("No run fits.")).toBeVisible();
  await expect(page.getByText("did you mean explain?")).toBeVisible();
  expect(outside).toEqual([]);
});

for (const scheme of ["light", "dark"] as const) {
  test(`axe finds nothing and nothing is too wide in the ${scheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme: scheme });
    const [five = { id: "" }] = listed("five.svg");
    const [other = { id: "" }] = listed("--verb", "predict");
    // By its title one knows that a page is there, and not still the one before.
    const addresses = [
      ["list", "#/runs", / runs$/],
      ["one", `#/runs?run=${five.id}&output=0`, /^explain, /],
      ["two", `#/runs?run=${five.id}&other=${other.id}`, / differ$/],
    ] as const;
    await quietly(page, async () => {
      for (const [name, address, title] of addresses) {
        await page.setViewportSize({ width: 1280, height: 900 });
        await page.goto(server.address + address);
        await expect(page.locator("main h1")).toHaveText(title);
        await ready(page);
        await sound(page);
        for (const width of [360, 380, 1280, 1440]) {
          await page.setViewportSize({ width, height: 900 });
          await fits(page);
          await page.screenshot({ path: join(pictures, `runs-${name}-${width}-${scheme}.png`), fullPage: true });
        }
      }
    });
  });
}

test("an export holds the list and its runs, to be read", async ({ page }) => {
  const out = join(folder, "runs.zip");
  pellucid("workbench", store, "--export", out);
  const unpacked = unpackedAt(out, join(folder, "unpacked"));
  const file = pathToFileURL(unpacked).href;
  const { outside, complaints } = await silence(page, (url) => url.startsWith(pathToFileURL(join(folder, "unpacked")).href));
  await page.goto(`${file}#/runs`);
  await ready(page);
  const rows = page.getByRole("group", { name: "Runs" }).locator("tbody tr");
  await expect(rows).toHaveCount(listed().length);
  await expect(page.getByText("All can be opened.")).toBeVisible();
  await expect(page.locator("main").getByRole("checkbox")).toHaveCount(0);
  await expect(page.getByRole("searchbox")).toHaveCount(0);
  await expect(page.getByRole("link", { name: "Jobs" })).toHaveCount(0);
  await rows.first().getByRole("button").click();
  await ready(page);
  await expect(page.getByRole("heading", { name: "Do it again" })).toBeVisible();
  await expect(page.getByText("is live only")).toBeVisible();
  await expect(page.getByRole("textbox")).toHaveCount(0);
  await page.getByRole("group", { name: "Results", exact: true }).first().waitFor();
  await page.getByText("As JSON").last().click();
  await expect(page.getByRole("group", { name: "Results as JSON" })).toContainText("{");
  await page.screenshot({ path: join(pictures, "runs-export.png"), fullPage: true });
  expect(outside).toEqual([]);
  expect(complaints).toEqual([]);
});

test("a run that was opened by itself, and an empty store", async ({ page }) => {
  const empty = join(folder, "empty");
  pellucid("runs", "init", empty);
  const alone = await start([join(folder, "own")]);
  const nothing = await start([empty]);
  try {
    await silence(page, (url) => url.startsWith("http://127.0.0.1:"));
    await page.goto(alone.address);
    await ready(page);
    await expect(page.getByRole("heading", { name: "Do it again" })).toBeVisible();
    await expect(page.getByText(/All 3 files are as they were/)).toBeVisible();
    await page.goto(nothing.address);
    await ready(page);
    await expect(page.getByRole("heading", { level: 1 })).toHaveText("No runs yet");
    await expect(page.locator("main")).toContainText(`--run ${empty}`);
    await sound(page);
    await page.screenshot({ path: join(pictures, "runs-empty.png"), fullPage: true });
  } finally {
    alone.stop();
    nothing.stop();
  }
});
