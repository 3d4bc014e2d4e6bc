import { HTTP_URL } from "../../lib/config/http_url.ts";
import { ConfigError } from "../../lib/errors.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { NO_FILES } from "./files.ts";

const GOOD: [text: string, href: string][] = [
  ["https://localhost:8888/test.log", "https://localhost:8888/test.log"],
  ["http://[::1]:8888/a?b=c", "http://[::1]:8888/a?b=c"],
  ["HTTPS://Example.com", "https://example.com/"],
  ["https://example.com/@tag", "https://example.com/@tag"],
];

for (const [text, href] of GOOD) {
  Deno.test(`the URL ${text} is understood`, () => {
    assertEquals(HTTP_URL.parse([text], NO_FILES), href);
  });
}

const NOT_HTTP =
  "is not an http or https URL: write it like https://localhost:8888/test.log";
const BAD: [text: string, problem: string][] = [
  ["localhost:8888/test.log", NOT_HTTP],
  ["/test.log", NOT_HTTP],
  ["ftp://localhost/test.log", NOT_HTTP],
  ["https://", NOT_HTTP],
  ["https:localhost", NOT_HTTP],
  ["https:///test.log", NOT_HTTP],
  ["https://\\\\localhost/test.log", NOT_HTTP],
  ["https://local host/", NOT_HTTP],
  ["https://localhost:99999/", NOT_HTTP],
  [" https://localhost/", NOT_HTTP],
  [
    "https://localhost/#top",
    "has a fragment (#…), which no server gets to see",
  ],
  ["https://localhost/#", "has a fragment (#…), which no server gets to see"],
];

for (const [text, problem] of BAD) {
  Deno.test(`the URL ${text} is refused in words`, () => {
    const error = assertThrows(
      () => HTTP_URL.parse([text], NO_FILES),
      ConfigError,
    );
    assertEquals(error.problems, [`${JSON.stringify(text)} ${problem}`]);
  });
}

for (
  const text of [
    "https://someone:hunter2@localhost/",
    "https://hunter2@localhost/",
    "someone:hunter2@localhost/",
  ]
) {
  Deno.test(`the password in ${text} is refused and not repeated`, () => {
    const error = assertThrows(
      () => HTTP_URL.parse([text], NO_FILES),
      ConfigError,
      "user name or password",
    );
    assert(!error.message.includes("hunter2"));
  });
}

for (
  const text of [
    "https:/someone:hunter2@localhost/",
    "https://someone:hunter2/a@localhost/",
    "https://someone:hunter2#a@localhost/",
  ]
) {
  Deno.test(`of the URL ${text}, the password is not repeated`, () => {
    const { problems } = assertThrows(
      () => HTTP_URL.parse([text], NO_FILES),
      ConfigError,
    );
    assertEquals(problems, [`"***@localhost/" ${NOT_HTTP}`]);
  });
}

for (
  const text of [
    "https:/localhost/?token=hunter2",
    "https://localhost/?token=hunter2#top",
  ]
) {
  Deno.test(`of the URL ${text}, which is refused, the query is not repeated`, () => {
    const error = assertThrows(
      () => HTTP_URL.parse([text], NO_FILES),
      ConfigError,
      "localhost/?…",
    );
    assert(!error.message.includes("hunter2"));
  });
}
