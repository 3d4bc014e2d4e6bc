/**
 * What a person types, or a pipe carries.
 *
 * @module
 */

/** More than any answer or password has. */
const MAX_BYTES = 16_384;

/**
 * The first line of standard input, without its end; empty where there is none.
 * What is not UTF-8 becomes U+FFFD. May be called once.
 *
 * @throws `stop.reason`
 */
export async function readLine(stop: AbortSignal): Promise<string> {
  stop.throwIfAborted();
  const reader = Deno.stdin.readable.getReader();
  const cancel = () => {
    reader.cancel().catch(() => {});
  };
  stop.addEventListener("abort", cancel, { once: true });
  const decoder = new TextDecoder();
  let text = "";
  try {
    while (!text.includes("\n") && text.length < MAX_BYTES) {
      const { value, done } = await reader.read();
      stop.throwIfAborted();
      if (done) {
        text += decoder.decode();
        break;
      }
      text += decoder.decode(value, { stream: true });
    }
  } finally {
    stop.removeEventListener("abort", cancel);
    await reader.cancel();
  }
  return text.split(/\r?\n/, 1)[0] ?? "";
}
