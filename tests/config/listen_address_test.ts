import { LISTEN_ADDRESS } from "../../lib/config/listen_address.ts";
import { ConfigError } from "../../lib/errors.ts";
import { assertEquals, assertThrows } from "../assert.ts";
import { NO_FILES } from "./files.ts";

Deno.test("without a host, it is this machine alone that can connect", () => {
  const read = (text: string) => LISTEN_ADDRESS.parse([text], NO_FILES);
  assertEquals(read("9090"), { host: "127.0.0.1", port: 9090 });
  assertEquals(read(":9090"), { host: "127.0.0.1", port: 9090 });
  assertEquals(read("0.0.0.0:9090"), { host: "0.0.0.0", port: 9090 });
  assertEquals(read("[::1]:9090"), { host: "::1", port: 9090 });
});

Deno.test("what is no address to listen on is refused in words", () => {
  for (
    const [text, problem] of [
      ["localhost", '"localhost" has no port: write host:port'],
      ["70000", '"70000" has a port that is too large: 65535 is the last'],
      [":70000", '":70000" has a port that is too large: 65535 is the last'],
      [
        "123456",
        '"123456" is not an address: write host:port, an IPv6 address in brackets',
      ],
      ["http://localhost:9090", /is a URL: write host:port/],
    ] as const
  ) {
    const { message } = assertThrows(
      () => LISTEN_ADDRESS.parse([text], NO_FILES),
      ConfigError,
    );
    if (typeof problem === "string") assertEquals(message, problem);
    else assertEquals(problem.test(message), true, message);
  }
});
