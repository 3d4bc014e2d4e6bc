// Runs in the browser: has the page renew itself, part by part, so that what a
// person has focused, opened or selected elsewhere stays.

const POLL_MS = 2000;
const ANSWER_WITHIN_MS = 10_000;

/** What a person may have focused. */
const FOCUSABLE = "summary, a, .scroll";

const lost = document.getElementById("lost");
/** What each part was when it came. */
const shown = new Map();
let answered = new Date();

function renew(next) {
  document.title = next.title;
  for (const part of document.querySelectorAll("[data-live]")) {
    const html = next.getElementById(part.id)?.innerHTML;
    if (html === undefined || html === shown.get(part.id)) continue;
    const open = [...part.querySelectorAll("details[open]")].map(({ id }) =>
      id
    );
    const focused = part.contains(document.activeElement)
      ? [...part.querySelectorAll(FOCUSABLE)].indexOf(document.activeElement)
      : -1;
    const scrolled = [...part.querySelectorAll(".scroll")].map((it) =>
      it.scrollLeft
    );
    part.innerHTML = html;
    shown.set(part.id, html);
    for (const id of open) {
      document.getElementById(id)?.setAttribute("open", "");
    }
    for (const [i, it] of part.querySelectorAll(".scroll").entries()) {
      it.scrollLeft = scrolled[i] ?? 0;
    }
    // It may be far from what is looked at.
    part.querySelectorAll(FOCUSABLE)[focused]?.focus({ preventScroll: true });
  }
}

async function poll() {
  try {
    const response = await fetch(location.href, {
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    });
    if (!response.ok) throw new Error(`status ${response.status}`);
    const next = new DOMParser().parseFromString(
      await response.text(),
      "text/html",
    );
    // It may have ended and begun anew, with parts that were not there.
    if (!next.getElementById("state")) throw new Error("another page");
    renew(next);
    answered = new Date();
    lost.hidden = true;
  } catch {
    const text = `No answer from the program since ${
      answered.toISOString().slice(0, 19).replace("T", " ")
    } UTC: it has ended, or cannot be reached. What is shown below is of then.`;
    if (lost.textContent !== text) lost.textContent = text;
    lost.hidden = false;
  }
}

for (const part of document.querySelectorAll("[data-live]")) {
  shown.set(part.id, part.innerHTML);
}

while (true) {
  await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  if (!document.hidden) await poll();
}
