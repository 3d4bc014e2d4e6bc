import {
  logger,
  type LogOptions,
  setUpLogging,
  tearDownLogging,
} from "../lib/log.ts";
import { assertEquals, assertMatch } from "./assert.ts";

/** The lines that are logged, without their times. */
async function logged(
  options: Partial<LogOptions>,
  log: (log: ReturnType<typeof logger>) => void,
): Promise<string[]> {
  const lines: string[] = [];
  await setUpLogging({
    level: "info",
    format: "text",
    write: (text) => lines.push(text),
    ...options,
  });
  try {
    log(logger("delivery"));
  } finally {
    await tearDownLogging();
  }
  return lines;
}

/** The fields of one text line. */
async function fieldsOf(fields: Record<string, unknown>): Promise<string> {
  const [line = ""] = await logged({}, (log) => log.info("x", fields));
  return line.slice(line.indexOf(" x") + 2, -1);
}

Deno.test("a line of text has the time, the level, the message and the fields", async () => {
  const [line = ""] = await logged({}, (log) => {
    log.warn("delivery fails, retrying", { attempt: 3, error: "refused" });
  });
  assertMatch(
    line,
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z WARN {2}delivery fails, retrying attempt=3 error=refused\n$/,
  );
});

Deno.test("levels stand below one another", async () => {
  const lines = await logged({ level: "debug" }, (log) => {
    log.debug("x");
    log.info("x");
    log.warn("x");
    log.error("x");
  });
  assertEquals(lines.map((line) => line.slice(24)), [
    " DEBUG x\n",
    " INFO  x\n",
    " WARN  x\n",
    " ERROR x\n",
  ]);
});

Deno.test("what is below the level is not written", async () => {
  const say = (log: ReturnType<typeof logger>) => {
    log.debug("x");
    log.info("x");
    log.warn("x");
    log.error("x");
  };
  assertEquals((await logged({ level: "info" }, say)).length, 3);
  assertEquals((await logged({ level: "warning" }, say)).length, 2);
  assertEquals((await logged({ level: "error" }, say)).length, 1);
});

Deno.test("a field that holds a separator, or nothing, stands in quotes", async () => {
  assertEquals(
    await fieldsOf({ a: "b c", d: 'e"f', g: "h=i", j: "", k: "l\nm" }),
    ' a="b c" d="e\\"f" g="h=i" j="" k="l\\nm"',
  );
});

Deno.test("fields that are no text are written as JSON", async () => {
  assertEquals(
    await fieldsOf({ a: 1, b: true, c: null, d: [1, 2], e: { f: 1 } }),
    ' a=1 b=true c=null d=[1,2] e="{\\"f\\":1}"',
  );
});

Deno.test("a field that is undefined is left out", async () => {
  assertEquals(await fieldsOf({ a: undefined, b: 1 }), " b=1");
});

Deno.test("what a receiver says cannot command the terminal", async () => {
  const fields = await fieldsOf({
    a: "\x1b[31mred",
    b: "\x1b[31m bold red",
    c: "\u009b31mred",
    d: "\x7f",
  });
  assertEquals(
    fields,
    ' a="\\u001b[31mred" b="\\u001b[31m bold red" c="\\u009b31mred" d="\\u007f"',
  );
});

Deno.test("a user's name neither turns the rest of the line round nor ends it", async () => {
  assertEquals(
    await fieldsOf({ user: "eve\u202e\u2066nimda", login: "a\u2028b" }),
    ' user="eve\\u202e\\u2066nimda" login="a\\u2028b"',
  );
});

Deno.test("text of other languages is written as it is", async () => {
  assertEquals(await fieldsOf({ user: "Zoë" }), " user=Zoë");
});

Deno.test("JSON has a line for each record, with the fields beside the message", async () => {
  const [line = "", ...more] = await logged({ format: "json" }, (log) => {
    log.warn("delivery fails, retrying", {
      attempt: 3,
      error: "connection\nrefused",
      nothing: undefined,
    });
  });
  assertEquals(more, []);
  assertEquals(line.indexOf("\n"), line.length - 1);
  const { "@timestamp": time, ...record } = JSON.parse(line);
  assertMatch(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assertEquals(record, {
    level: "WARN",
    logger: "teleport-event-handler.delivery",
    message: "delivery fails, retrying",
    attempt: 3,
    error: "connection\nrefused",
  });
});

Deno.test("before logging is set up, and after, nothing is written", async () => {
  const lines = await logged({}, () => {});
  logger("delivery").error("x");
  assertEquals(lines, []);
});

Deno.test("setting logging up again takes the place of what was set up before", async () => {
  const first: string[] = [];
  const second: string[] = [];
  const options = { level: "info", format: "text" } as const;
  await setUpLogging({ ...options, write: (text) => first.push(text) });
  await setUpLogging({ ...options, write: (text) => second.push(text) });
  logger("delivery").info("x");
  await tearDownLogging();
  assertEquals([first.length, second.length], [0, 1]);
});
