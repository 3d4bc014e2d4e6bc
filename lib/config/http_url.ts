/**
 * Where requests go.
 *
 * @module
 */

import { ConfigError } from "../errors.ts";
import { withoutQuery } from "../shown_url.ts";
import { refusal } from "./refusal.ts";
import { single, type ValueType } from "./value_type.ts";

const CREDENTIALS = /^([a-z]+:\/\/)?[^/?#]*@/i;

// URL.parse minds no missing or superfluous slashes: https:///a is https://a to it.
const SPELLING = /^https?:\/\/[^\s/\\?#]\S*$/i;

/** An http or https URL without user name, password and fragment. */
export const HTTP_URL: ValueType<string> = {
  ...single("URL", (text) => {
    if (CREDENTIALS.test(text)) {
      // Not quoted: the password is in it.
      throw new ConfigError([
        "the URL has a user name or password in it: send them with fluentd-header instead",
      ]);
    }
    const url = SPELLING.test(text) ? URL.parse(text) : null;
    if (url === null) {
      throw refusal(
        withoutQuery(text),
        "is not an http or https URL: write it like https://localhost:8888/test.log",
      );
    }
    if (text.includes("#")) {
      throw refusal(
        withoutQuery(text),
        "has a fragment (#…), which no server gets to see",
      );
    }
    return url.href;
  }),
  show: withoutQuery,
};
