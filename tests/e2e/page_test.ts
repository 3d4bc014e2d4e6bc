import axe from "axe-core";
import { join } from "node:path";
import type { BrowserContextOptions, Page } from "playwright-core";
import { assert, assertEquals, assertMatch } from "../assert.ts";
import { ignoreWithoutChromium, startChromium } from "../fakes/chromium.ts";
import { logEvent } from "../fakes/log_event.ts";
import { Program } from "../fakes/program.ts";
import { waitUntil } from "../fakes/wait_until.ts";
import { setStage, type Stage } from "./stage.ts";

/** Where pictures of the page are kept, for people to look at; nowhere by default. */
const SCREENSHOTS = Deno.env.get("TELEPORT_EVENT_HANDLER_SCREENSHOTS");

/** The program with its page, and a browser that looks at it. */
async function watchProgram(
  stage: Stage,
  options: BrowserContextOptions = {},
) {
  const browser = await startChromium();
  const program = new Program(
    stage.start("--listen=127.0.0.1:0", "--timeout=100ms"),
  );
  let url = "";
  await waitUntil("where it listens", () => {
    url = program.stderr.match(/url=(http:\S+)/)?.[1] ?? "";
    return url !== "";
  });
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on("console", (message) => {
    const text = `${message.type()}: ${message.text()}`;
    if (/^(error|warning)/.test(text)) complaints.push(text);
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(url);
  return {
    program,
    page,
    /** What the browser complained of. */
    complaints,
    async [Symbol.asyncDispose]() {
      await browser.close();
      await program[Symbol.asyncDispose]();
    },
  };
}

/** Resolves when the page says it; it renews itself. */
async function says(page: Page, selector: string, text: RegExp): Promise<void> {
  await page.locator(selector, { hasText: text }).first().waitFor({
    timeout: 60_000,
  });
}

/** What a screen reader, or somebody who sees badly, would stumble over. */
async function barriers(page: Page): Promise<string[]> {
  await page.evaluate(axe.source);
  const found = await page.evaluate<
    { violations: { id: string; nodes: { html: string }[] }[] }
  >("axe.run()");
  return found.violations.map(({ id, nodes }) =>
    `${id}: ${nodes.map(({ html }) => html).join(" ")}`
  );
}

async function keepPicture(page: Page, name: string): Promise<void> {
  if (SCREENSHOTS === undefined) return;
  await page.screenshot({
    path: join(SCREENSHOTS, `${name}.png`),
    fullPage: true,
  });
}

function newEvent() {
  return logEvent("user.login", { timeMs: Date.now() - 1_000 });
}

for (const colorScheme of ["light", "dark"] as const) {
  Deno.test({
    name:
      `in a browser the page shows true figures, an outage of Fluentd, and its end (${colorScheme})`,
    ignore: ignoreWithoutChromium(),
    async fn() {
      await using stage = await setStage({ size: 2_000, uploadEvery: 400 });
      await using watched = await watchProgram(stage, { colorScheme });
      const { page, complaints } = watched;
      const expected = new Set(stage.expectedIds()).size;
      const figure = new RegExp(
        `Events delivered\\s*${expected.toLocaleString("en")}(?!\\d)`,
      );
      await says(page, ".figure", figure);
      await says(page, "#state", /Caught up/);
      await says(page, "#recordings", /5 delivered, 0 pending/);
      assertMatch(await page.title(), /^caught up · tele\.example\.com/);
      assertEquals(await barriers(page), []);
      await keepPicture(page, `caught-up-${colorScheme}`);

      await stage.fluentd.stop();
      stage.teleport.append(newEvent());
      await says(page, "#state", /Not delivering: retrying/);
      await says(page, "#sides", /Fluentd fails.*since/s);
      await says(page, "#problems", /delivery of events.*not over/s);
      await page.waitForFunction("/^retrying/.test(document.title)");
      assertEquals(await barriers(page), []);
      await keepPicture(page, `fluentd-down-${colorScheme}`);

      await stage.fluentd.start();
      await says(page, "#state", /Caught up/);
      await says(page, "#sides", /Fluentd answers/);
      await says(page, "#problems", /delivery of events.*from.*to/s);
      assertEquals(complaints, []);
    },
  });
}

Deno.test({
  name:
    "the page tells an outage of Teleport, and that the program itself has ended",
  ignore: ignoreWithoutChromium(),
  async fn() {
    await using stage = await setStage({ size: 100 });
    await using watched = await watchProgram(stage);
    const { page, program } = watched;
    await says(page, "#state", /Caught up/);
    await stage.teleport.stop();
    await says(page, "#sides", /Teleport fails.*since/s);
    await stage.teleport.start();
    await says(page, "#sides", /Teleport answers/);
    program.kill("SIGTERM");
    assertEquals((await program.outcome()).code, 0);
    await says(page, "#lost", /No answer from the program since/);
    assert(await page.locator("#figures").isVisible());
  },
});

Deno.test({
  name:
    "what a person has opened by keyboard stays open and focused while the page renews itself",
  ignore: ignoreWithoutChromium(),
  async fn() {
    await using stage = await setStage({ size: 100 });
    const phone = { width: 360, height: 740 };
    await using watched = await watchProgram(stage, { viewport: phone });
    const { page } = watched;
    await says(page, "#state", /Caught up/);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    const table = page.locator("#charts-table[open] table");
    await table.waitFor();
    const before = await page.locator("#charts").innerHTML();
    await waitUntil(
      "the charts to be renewed",
      async () => await page.locator("#charts").innerHTML() !== before,
    );
    assert(await table.isVisible());
    assertEquals(
      await page.evaluate("document.activeElement?.textContent"),
      "As a table",
    );
    // Nothing has to be scrolled to the side on a phone.
    assertEquals(
      await page.evaluate("document.documentElement.scrollWidth"),
      phone.width,
    );
  },
});

Deno.test({
  name:
    "however long a word is, a phone shows the page without scrolling to the side",
  ignore: ignoreWithoutChromium(),
  async fn() {
    await using stage = await setStage({ size: 200 });
    const viewport = { width: 320, height: 640 };
    await using watched = await watchProgram(stage, { viewport });
    const { page } = watched;
    await says(page, "#state", /Caught up/);
    // As of a token, or of HTML without a blank.
    const body = "x".repeat(200);
    stage.fluentd.faults.add({ kind: "status", status: 404, body });
    stage.teleport.append(newEvent());
    await says(page, "#state-text", new RegExp(body.slice(0, 100)));
    const width = "document.documentElement.scrollWidth";
    assertEquals(await page.evaluate(width), viewport.width);
  },
});

Deno.test({
  name:
    "on a phone, tables are scrolled to the side by keyboard, and stay so while the page renews itself",
  ignore: ignoreWithoutChromium(),
  async fn() {
    await using stage = await setStage({ size: 100 });
    const viewport = { width: 320, height: 640 };
    await using watched = await watchProgram(stage, { viewport });
    const { page } = watched;
    await says(page, "#state", /Caught up/);
    assertEquals(await barriers(page), []);
    const totals = page.locator("#totals .scroll");
    await totals.focus();
    await page.keyboard.press("ArrowRight");
    const scrolledTo = () => totals.evaluate(({ scrollLeft }) => scrollLeft);
    await waitUntil("the table to scroll", async () => await scrolledTo() > 0);
    const before = await page.locator("#totals").innerHTML();
    await waitUntil(
      "the totals to be renewed",
      async () => await page.locator("#totals").innerHTML() !== before,
    );
    assert(await scrolledTo() > 0);
    assert(
      await totals.evaluate((it) => it === it.ownerDocument.activeElement),
    );
  },
});

Deno.test({
  name: "who has opened a table, and scrolled on, is left where they are",
  ignore: ignoreWithoutChromium(),
  async fn() {
    await using stage = await setStage({ size: 100 });
    const viewport = { width: 360, height: 500 };
    await using watched = await watchProgram(stage, { viewport });
    const { page } = watched;
    await says(page, "#state", /Caught up/);
    await page.locator("#charts summary").click();
    const scrollY = () => page.evaluate<number>("Math.round(scrollY)");
    await page.evaluate("scrollTo(0, document.documentElement.scrollHeight)");
    const whereItWas = await scrollY();
    await stage.fluentd.stop();
    stage.teleport.append(newEvent());
    const before = await page.locator("#charts").innerHTML();
    await waitUntil(
      "the charts to be renewed",
      async () => await page.locator("#charts").innerHTML() !== before,
    );
    assert(await scrollY() >= whereItWas, `${await scrollY()}`);
  },
});
