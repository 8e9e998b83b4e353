// What does every test stand on? The real program with the tour's models, and a browser that reaches nothing else and complains of nothing.
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { copyFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { AxeBuilder } from "@axe-core/playwright";
import { expect, type Page, test as base } from "@playwright/test";

export const program = process.env.PELLUCID_BIN ?? "";
const tour = fileURLToPath(new URL("../../../fixtures/tour/", import.meta.url));
export const files = ["adult-xgboost.ubj", "adult-lightgbm.txt", "adult.csv"].map((name) => join(tour, name));

/** Whether pages are those that were built last (into `dist`, or wherever WORKBENCH_DIST says), though the program has others inside. */
const built = process.env.WORKBENCH_DIST;
const fresh = built !== undefined || process.env.WORKBENCH_FRESH !== undefined;
const dist = built ?? fileURLToPath(new URL("../dist/", import.meta.url));

/** Where pictures of pages go, to be looked at. */
export const pictures = process.env.WORKBENCH_PICTURES ?? mkdtempSync(join(tmpdir(), "workbench-"));

export interface Server {
  address: string;
  stop: () => void;
}

export async function start(opened: readonly string[] = files): Promise<Server> {
  if (program === "") throw new Error("PELLUCID_BIN is not set; it is the path of the program `pellucid`");
  const child: ChildProcess = spawn(program, ["workbench", ...opened, "--port", "0", "--no-open"], { stdio: ["ignore", "pipe", "inherit"] });
  const stop = () => void child.kill();
  for await (const line of createInterface({ input: child.stdout as NodeJS.ReadableStream })) {
    const address = /http:\/\/127\.0\.0\.1:\d+\//.exec(line)?.[0];
    if (address !== undefined) return { address, stop };
  }
  throw new Error("the program ended before it said its address");
}

/** A page on the server. It reaches no other host, and its console stays empty. */
export const test = base.extend<{ quiet: Page }, { server: Server }>({
  server: [
    async ({}, use) => {
      const server = await start();
      await use(server);
      server.stop();
    },
    { scope: "worker" },
  ],
  quiet: async ({ page, server }, use) => {
    const { outside, complaints } = await silence(page, (url) => url.startsWith(server.address));
    await use(page);
    expect(outside, "requests to other hosts").toEqual([]);
    expect(complaints, "errors in the console").toEqual([]);
  },
});

/** Blocks what is not the page's own and keeps what it complained of. */
export async function silence(page: Page, own: (url: string) => boolean): Promise<{ outside: string[]; complaints: string[] }> {
  const outside: string[] = [];
  const complaints: string[] = [];
  await page.route("**", (route) => {
    const url = route.request().url();
    const file = /\/(app\.js|app\.css|)$/.exec(new URL(url).pathname)?.[1];
    if (fresh && own(url) && file !== undefined) return route.fulfill({ path: join(dist, file || "index.html") });
    if (own(url) || /^(data|blob):/.test(url)) return route.continue();
    outside.push(url);
    return route.abort();
  });
  page.on("console", (message) => message.type() === "error" && complaints.push(message.text()));
  page.on("pageerror", (error) => complaints.push(error.message));
  return { outside, complaints };
}

/** A server of its own on some files, and what a page sees of it. It reaches no other host; its console tells of nothing but questions that were refused. */
export async function opened(page: Page, files: readonly string[], see: (address: string) => Promise<void>): Promise<void> {
  const server = await start(files);
  const { outside, complaints } = await silence(page, (url) => url.startsWith(server.address));
  try {
    await see(server.address);
  } finally {
    server.stop();
  }
  expect(outside).toEqual([]);
  // A browser writes every refused request into its console, whatever the page makes of it.
  expect(complaints.filter((text) => !/status of 4\d\d/.test(text))).toEqual([]);
}

/** The page of an archive that was exported, unpacked; with the pages that were built last, where those are tested. */
export function unpackedAt(archive: string, folder: string): string {
  execFileSync("python3", ["-m", "zipfile", "-e", archive, folder]);
  if (fresh) for (const name of ["app.js", "app.css"]) copyFileSync(join(dist, name), join(folder, "workbench", name));
  return join(folder, "workbench", "index.html");
}

/** Nothing that axe finds: names of rules with the elements that break them. No text of a picture is cut, and the page asks for all of its address. */
export async function sound(page: Page): Promise<void> {
  await asksForAll(page);
  const { violations } = await new AxeBuilder({ page }).analyze();
  expect(violations.map((violation) => `${violation.id}: ${violation.nodes.map((node) => node.html.slice(0, 160)).join(" | ")}`)).toEqual([]);
  expect(await cutOff(page)).toEqual([]);
}

/** Nothing in the address is said to change nothing: a page that forgot one of its names says so of its own. Tests of just that don't call this. */
async function asksForAll(page: Page): Promise<void> {
  expect(await page.getByText("The address also says").allTextContents()).toEqual([]);
}

/** Texts of pictures that end beyond their picture. */
function cutOff(page: Page): Promise<(string | null)[]> {
  return page.evaluate(async () => {
    await document.fonts.ready;
    const isCut = (text: Element) => {
      const [own, whole] = [text.getBoundingClientRect(), text.closest("svg")?.getBoundingClientRect()];
      return whole !== undefined && own.width > 0 && (own.right > whole.right + 1 || own.left < whole.left - 1);
    };
    return [...document.querySelectorAll("figure svg text")].filter(isCut).map((text) => text.textContent);
  });
}

/** Nothing is wider than the window, once that has the width that it was given: browsers take it a moment later, and lay out what stood in the old one. */
export async function fits(page: Page): Promise<void> {
  const width = page.viewportSize()?.width;
  const now = () => page.evaluate(() => ({ width: innerWidth, over: Math.max(0, document.documentElement.scrollWidth - innerWidth) }));
  await expect.poll(now, page.url()).toEqual({ width, over: 0 });
}

/** The answer has come, to all that the address says, and nothing is dimmed. */
export async function settled(page: Page): Promise<void> {
  await expect(page.locator("figure svg").first()).toBeVisible({ timeout: 20_000 });
  await expect(page.locator("[aria-busy=true]")).toHaveCount(0, { timeout: 20_000 });
  await asksForAll(page);
}

export { expect };
