/**
 * Debian's Chromium, driven by Playwright.
 *
 * @module
 */

import { type Browser, chromium } from "playwright-core";

const REQUIRE_VARIABLE = "TELEPORT_EVENT_HANDLER_REQUIRE_CHROMIUM";
const PATH = "/usr/bin/chromium";

function isInstalled(): boolean {
  try {
    return Deno.statSync(PATH).isFile;
  } catch {
    return false;
  }
}

/**
 * For `Deno.test({ ignore })`: says why a test is left out. Where the environment
 * requires Chromium, nothing is left out, and the test fails without it.
 */
export function ignoreWithoutChromium(): boolean {
  if (isInstalled() || Deno.env.get(REQUIRE_VARIABLE) === "1") return false;
  // deno-lint-ignore no-console
  console.warn(`there is no ${PATH}; tests of the page in it are ignored`);
  return true;
}

/** Starts it without a window. */
export async function startChromium(): Promise<Browser> {
  if (!isInstalled()) {
    throw new Error(`there is no ${PATH}: install Debian's package chromium`);
  }
  return await chromium.launch({
    executablePath: PATH,
    // Its sandbox refuses to run as root, as containers do; the page is our own.
    args: ["--no-sandbox"],
  });
}
