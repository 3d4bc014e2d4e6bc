/**
 * Times for people: the moment in UTC, and how long ago.
 *
 * @module
 */

import { formatAge } from "../format_age.ts";

/** A moment, e.g. `2026-05-01 12:00:00 UTC`. */
export function Moment({ at }: { at: string }) {
  return <time datetime={at}>{formatMoment(at)}</time>;
}

/** A moment before `now`, and how long before. */
export function Since({ at, now }: { at: string; now: string }) {
  const ms = Date.parse(now) - Date.parse(at);
  return (
    <>
      <Moment at={at} /> <span class="age">({formatAge(ms)})</span>
    </>
  );
}

/** @param at RFC 3339, UTC */
function formatMoment(at: string): string {
  const text = new Date(at).toISOString();
  return `${text.slice(0, 10)} ${text.slice(11, 19)} UTC`;
}
