// What does a browser see of an address, and when? One fresh browser a visit.  node measure.mjs WORKBENCH-FOLDER ADDRESS SELECTOR [SECONDS]
//
// Prints {paint, shown, script_bytes, bytes, requests, elsewhere}: seconds from the request to the first paint with content and to the first thing that
// the selector finds, bytes of scripts and of everything as they stand after unpacking, and requests to other hosts.
import { createRequire } from "node:module";
import { join } from "node:path";
import process from "node:process";

const [folder, address, selector, patience = "120"] = process.argv.slice(2);
const { chromium } = createRequire(join(folder, "package.json"))("@playwright/test");

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run"],
});
const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
const found = { script_bytes: 0, bytes: 0, requests: 0, elsewhere: 0 };
const bodies = [];
page.on("response", (response) => {
  found.requests += 1;
  if (new URL(response.url()).host !== new URL(address).host && response.url().startsWith("http")) found.elsewhere += 1;
  bodies.push(
    response.body().then(
      (body) => {
        found.bytes += body.length;
        if (response.request().resourceType() === "script") found.script_bytes += body.length;
      },
      // A stream of events has no body.
      () => undefined,
    ),
  );
});
const start = performance.now();
await page.goto(address, { waitUntil: "commit" });
await page.locator(selector).first().waitFor({ state: "visible", timeout: Number(patience) * 1000 });
const shown = (performance.now() - start) / 1000;
const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null);
await Promise.race([Promise.all(bodies), new Promise((done) => setTimeout(done, 2000))]);
console.log(JSON.stringify({ paint: paint === null ? null : paint / 1000, shown, ...found }));
await browser.close();
