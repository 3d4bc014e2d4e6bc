/**
 * Random JSON objects that go where JSON and doubles have their edges.
 *
 * @module
 */

import type { Json, JsonObject } from "../fakes/json.ts";
import type { Random } from "../fakes/random.ts";

const NUMBERS = [
  ...[0, -0, 1, -1, 9, 10, 99, 100, 0.1, 0.5, 1 / 3, 1e21, 1e-7, 1e300, 5e-324],
  ...[Number.MAX_VALUE, Number.MIN_VALUE, Number.EPSILON, Math.PI],
  ...around(2 ** 31),
  ...around(2 ** 32),
  ...around(2 ** 53),
  ...around(1e9),
  ...around(1e10),
];

const CONTROLS = Array.from({ length: 0x20 }, (_, code) => code);

const CODE_POINTS = [
  ...CONTROLS,
  ...[0x22, 0x2f, 0x5c, 0x7f],
  // The edges of sequences of 2, 3 and 4 bytes, and what stands next to surrogates.
  ...[0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfeff, 0xfffd, 0xffff],
  ...[0x1_0000, 0x1_f642, 0x10_ffff],
  ...[0x2028, 0x2029],
];

const KEYS = ["", "__proto__", "constructor", "toString", "0", "10", "uid"];

/** An object of at most `depth` levels, most of them smaller. */
export function randomObject(random: Random, depth: number): JsonObject {
  const entries: [string, Json][] = [];
  for (let i = random.below(6); i > 0; i--) {
    entries.push([randomKey(random), randomValue(random, depth - 1)]);
  }
  return Object.fromEntries(entries);
}

/**
 * Without a backslash: once V8 has read a key that is one, it takes others that are
 * written with one for the same, up to 15.0 at least
 * (https://issues.chromium.org/issues/521080746).
 */
function randomKey(random: Random): string {
  return random.chance(0.2)
    ? random.pick(KEYS)
    : randomText(random).replaceAll("\\", "/");
}

function randomValue(random: Random, depth: number): Json {
  switch (random.below(depth > 0 ? 8 : 5)) {
    case 0:
      return null;
    case 1:
      return random.chance(0.5);
    case 2:
      return randomNumber(random);
    case 3:
    case 4:
      return randomText(random);
    case 5:
      return Array.from(
        { length: random.below(5) },
        () => randomValue(random, depth - 1),
      );
    default:
      return randomObject(random, depth);
  }
}

function randomNumber(random: Random): number {
  if (random.chance(0.5)) return random.pick(NUMBERS);
  const bits = new DataView(random.bytes(8).buffer);
  const double = bits.getFloat64(0);
  return Number.isFinite(double) ? double : bits.getInt32(0);
}

function randomText(random: Random): string {
  const length = random.chance(0.05) ? random.below(2_000) : random.below(12);
  let text = "";
  for (let i = 0; i < length; i++) {
    text += String.fromCodePoint(
      random.chance(0.3) ? random.pick(CODE_POINTS) : 0x20 + random.below(0x5f),
    );
  }
  return text;
}

function around(value: number): number[] {
  return [value - 1, value, value + 1, 1 - value, -value, -value - 1];
}
