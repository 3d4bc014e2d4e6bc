/**
 * What comes of a `fetch`: the words of an answer, or those of a failure.
 *
 * @module
 */

/** Some receivers tell what became of each event; what is something else may never end. */
const MAX_ANSWER_CHARACTERS = 1024 * 1024;

/** Whether a 4xx says nothing of the request itself, and may be over soon. */
export function asksForPatience(status: number): boolean {
  return status === 408 || status === 425 || status === 429;
}

/** What an answer says, up to so much of it: it may have no end. */
export async function readBeginning(
  response: Response,
): Promise<{ readonly text: string; readonly isWhole: boolean }> {
  // Most are short: read at once they take half the time.
  if (isShort(response.headers)) {
    return { text: await response.text(), isWhole: true };
  }
  const read = { text: "", isWhole: false };
  await readInto(read, response);
  return read;
}

/** The same of an answer that may break off: what came until then. */
export async function readUntilBroken(response: Response): Promise<string> {
  const read = { text: "", isWhole: false };
  await readInto(read, response).catch(() => {});
  return read.text;
}

async function readInto(
  read: { text: string; isWhole: boolean },
  response: Response,
): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of response.body ?? []) {
    read.text += decoder.decode(chunk, { stream: true });
    if (read.text.length < MAX_ANSWER_CHARACTERS) continue;
    read.text = read.text.slice(0, MAX_ANSWER_CHARACTERS);
    return;
  }
  read.isWhole = true;
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
