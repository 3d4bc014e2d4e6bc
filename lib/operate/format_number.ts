/**
 * Numbers for people.
 *
 * @module
 */

const COUNT = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const SMALL = new Intl.NumberFormat("en", { maximumSignificantDigits: 2 });

/** With separators; between -10 and 10, with as much of a fraction as matters. */
export function formatCount(count: number): string {
  return (Math.abs(count) < 10 ? SMALL : COUNT).format(count);
}

/** In the largest unit that leaves a whole number, e.g. `180 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  const power = Math.min(
    units.length - 1,
    Math.floor(Math.log2(Math.max(1, bytes)) / 10),
  );
  return `${formatCount(bytes / 1_024 ** power)} ${units[power]}`;
}
