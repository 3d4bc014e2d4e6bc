import http2, { type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { guardHttp2 } from "../../lib/vendor/http2_guard.ts";
import { assertEquals } from "../assert.ts";

const GOODBYE = fileURLToPath(new URL("./goodbye.ts", import.meta.url));

Deno.test("a session that ends on its peer's GOAWAY does not take the process with it", async () => {
  const { code, signal, stdout } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--allow-all",
      "--quiet",
      GOODBYE,
    ],
  }).output();
  assertEquals(
    { code, signal, stdout: new TextDecoder().decode(stdout) },
    { code: 0, signal: null, stdout: "survived\n" },
  );
});

Deno.test("a stream that is closed keeps none of those who listened to it, and each was told", async () => {
  guardHttp2();
  const server = http2.createServer();
  server.on("stream", (stream: ServerHttp2Stream) => {
    stream.respond({ ":status": 200 });
    stream.end("answer");
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", () => resolve());
  });
  const { port } = server.address() as AddressInfo;
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const heard: string[] = [];
  const stream = session.request({ ":path": "/" });
  const closed = new Promise<void>((resolve) => {
    stream.on("data", (chunk) => heard.push(String(chunk)));
    stream.on("end", () => heard.push("end"));
    stream.on("close", () => {
      heard.push("close");
      // As late as somebody may put off what is to be done then.
      setImmediate(() => {
        heard.push("later");
        setImmediate(resolve);
      });
    });
  });
  stream.end();
  await closed;
  assertEquals(heard, ["answer", "end", "close", "later"]);
  assertEquals(
    ["data", "end", "close"].map((name) => stream.listenerCount(name)),
    [0, 0, 0],
  );
  stream.emit("error", new Error("too late to matter"));
  await new Promise<void>((resolve) => session.close(() => resolve()));
  await new Promise<void>((resolve) => server.close(() => resolve()));
});
