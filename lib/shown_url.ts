/**
 * URLs as people are shown them.
 *
 * @module
 */

/** Some receivers take a secret in the query. */
export function withoutQuery(url: string): string {
  return url.replace(/\?.*$/s, "?…");
}
