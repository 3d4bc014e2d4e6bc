import { PASSWORD } from "../../lib/config/password.ts";
import { ConfigError } from "../../lib/errors.ts";
import { assert, assertEquals, assertThrows } from "../assert.ts";
import { filesOf, NOW_MS } from "./files.ts";

const CONTEXT = {
  readTextFile: filesOf({
    unix: " a b \n",
    dos: "a@b'\\\r\n",
    two: "one\ntwo",
    latin1: new TextDecoder().decode(new Uint8Array([0x70, 0xe4, 0x73, 0x73])),
  }),
  nowMs: NOW_MS,
};

for (
  const [text, password] of [
    ["1234", "1234"],
    ["pass@word", "pass@word"],
    ["geheimnisvoll ü", "geheimnisvoll ü"],
    ["@unix", " a b "],
    ["@dos", "a@b'\\"],
  ] as const
) {
  Deno.test(`a password written as ${JSON.stringify(text)} is taken as it is`, () => {
    assertEquals(PASSWORD.parse([text], CONTEXT), password);
  });
}

for (
  const [text, problem] of [
    ["abc", "too short"],
    ["a".repeat(1024), "too long"],
    ["a\tbcd", "control character"],
    ["@two", "control character"],
    ["@latin1", "not written in UTF-8"],
    ["@none", "cannot read none: there is no such file"],
    ["", "needs a value"],
  ] as const
) {
  Deno.test(`the password ${JSON.stringify(text.slice(0, 9))} is refused as ${problem}, without being quoted`, () => {
    const { message } = assertThrows(
      () => PASSWORD.parse([text], CONTEXT),
      ConfigError,
      problem,
    );
    assert(text === "" || text.startsWith("@") || !message.includes(text));
  });
}
