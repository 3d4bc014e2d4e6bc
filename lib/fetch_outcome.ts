/**
 * What comes of a `fetch`: the words of an answer, or those of a failure.
 *
 * @module
 */

/** Some receivers tell what became of each event; what is something else may never end. */
const MAX_ANSWER_CHARACTERS = 1024 * 1024;

/** What an answer says, up to so much of it: it may have no end. */
export async function readBeginning(
  response: Response,
): Promise<{ readonly text: string; readonly isWhole: boolean }> {
  // Most are short: read at once they take half the time.
  if (isShort(response.headers)) {
    return { text: await response.text(), isWhole: true };
  }
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length < MAX_ANSWER_CHARACTERS) continue;
    return { text: text.slice(0, MAX_ANSWER_CHARACTERS), isWhole: false };
  }
  return { text, isWhole: true };
}

/** The length is that on the way, which says nothing of what fetch unpacks. */
function isShort(headers: Headers): boolean {
  const length = headers.get("content-length");
  return length !== null && Number(length) <= MAX_ANSWER_CHARACTERS &&
    !headers.has("content-encoding");
}

/**
 * What fetch says of a failure, without what is said already, and without what is
 * different each time, such as our own port: the same trouble has to have the same
 * text.
 */
export function shortenFetchError(text: string): string {
  return text
    .replace(/^fetch failed: /i, "")
    .replace(/^error sending request .*?\): (client error \(\w+\): )?/, "")
    .replace(/: https:\/\/docs\.rs\/\S+/, "")
    .replace(/verification time \d+ \(UNIX\), but certificate is /, "")
    .replace(
      /(not valid (?:after|before)) (\d+) \([^)]*\)/,
      (_, what, seconds) =>
        `${what} ${new Date(Number(seconds) * 1_000).toISOString()}`,
    );
}
