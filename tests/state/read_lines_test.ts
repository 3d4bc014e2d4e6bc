import { readLines } from "../../lib/state/read_lines.ts";
import { assertEquals } from "../assert.ts";

const LINES = [
  "plain",
  "",
  "é, 日本, and 🦕: of 2, 3 and 4 bytes",
  "x".repeat(100),
  "🦕🦕🦕",
];

Deno.test("lines are whole wherever chunks end, also within a character", async () => {
  const text = LINES.map((line) => `${line}\n`).join("");
  const { length } = new TextEncoder().encode(text);
  for (let chunkBytes = 1; chunkBytes <= length + 1; chunkBytes++) {
    assertEquals(
      await read(text, chunkBytes),
      LINES.map((line) => `${line}\n`),
      `chunks of ${chunkBytes} bytes`,
    );
  }
});

Deno.test("what follows the last line end counts as unwritten", async () => {
  for (const chunkBytes of [1, 3, 64]) {
    assertEquals(await read("whole\ncut o", chunkBytes), ["whole\n"]);
    assertEquals(await read("cut o", chunkBytes), []);
    assertEquals(await read("", chunkBytes), []);
  }
});

Deno.test("a line that was yielded stays what it is while others are read", async () => {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, "first\nsecond\nthird\n");
    const lines = await Array.fromAsync(readLines(path, { chunkBytes: 7 }));
    assertEquals(lines.map(decode), ["first\n", "second\n", "third\n"]);
  } finally {
    await Deno.remove(path);
  }
});

async function read(text: string, chunkBytes: number): Promise<string[]> {
  const path = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(path, text);
    return await Array.fromAsync(readLines(path, { chunkBytes }), decode);
  } finally {
    await Deno.remove(path);
  }
}

function decode(line: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(line);
}
