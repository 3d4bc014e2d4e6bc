/**
 * Writes JSON from the bytes of `google.protobuf.Struct`s: the hot path of the
 * program, in AssemblyScript. `deno task wasm` compiles it to `struct_json.wasm`;
 * `struct_json.ts` beside it is the only one that calls it, and says what it writes.
 *
 * Layout (google/protobuf/struct.proto): `Struct { map<string, Value> fields = 1 }`,
 * `Value { oneof { null = 1, number = 2, string = 3, bool = 4, struct = 5, list = 6 } }`,
 * `ListValue { repeated Value values = 1 }`; a map entry is a message `{ key = 1, value = 2 }`.
 *
 * Encoders write a Value's one field and an entry's key before its value. What
 * is written otherwise, and what is no Struct at all, is "unusual" here, and
 * left to the caller.
 *
 * Nothing here checks that it stays within its memory, but for what follows from
 * the lengths on the wire: 16 bytes behind the last payload may be read, and
 * behind the JSON, written. The caller sees to it that there is room.
 */

/**
 * The text of a number that is no integer: how many characters it has. The module
 * is named as seen from the compiled one.
 */
@external("./number_text.ts", "numberText")
declare function numberText(value: f64): i32;

/** The character of that text at an index: ASCII. */
@external("./number_text.ts", "numberCharacter")
declare function numberCharacter(index: i32): i32;

/** Wire tags: field number << 3 | wire type. A list's values have that of a field. */
const TAG_FIELD: u32 = 0x0a;
const TAG_ENTRY_KEY: u32 = 0x0a;
const TAG_ENTRY_VALUE: u32 = 0x12;
const TAG_NULL: u32 = 0x08;
const TAG_NUMBER: u32 = 0x11;
const TAG_STRING: u32 = 0x1a;
const TAG_BOOL: u32 = 0x20;
const TAG_STRUCT: u32 = 0x2a;
const TAG_LIST: u32 = 0x32;

const QUOTE: u8 = 0x22;
const COMMA: u8 = 0x2c;
const MINUS: u8 = 0x2d;
const ZERO: u8 = 0x30;
const LETTER_A: u8 = 0x61;
const OPEN_BRACKET: u8 = 0x5b;
const BACKSLASH: u8 = 0x5c;
const CLOSE_BRACKET: u8 = 0x5d;
const LETTER_U: u8 = 0x75;
const OPEN_BRACE: u8 = 0x7b;
const CLOSE_BRACE: u8 = 0x7d;
const SPACE: u8 = 0x20;

/** `":`, null, true and false as little-endian words. */
const WORD_QUOTE_COLON: u16 = 0x3a22;
const WORD_NULL: u32 = 0x6c6c756e;
const WORD_TRUE: u32 = 0x65757274;
const WORD_FALSE: u64 = 0x65736c6166;

/** Where to no JSON leads: what was to be written is unusual. */
const UNUSUAL: usize = 0;
/** No message is that long. */
const TOO_LONG: u32 = 0x7fffffff;
/** Up to it, doubles are exact for every integer. */
const MAX_SAFE_INTEGER: f64 = 9007199254740991;

/** As in `malformed_struct.ts`. */
const MAX_DEPTH: usize = 1000;

const LANES: i32 = 16;
const ALL_LANES: i32 = 0xffff;

/** Of each object and list around the current one: where it ends, and which it is. */
const FRAME_BYTES: usize = 8;
const STACK: usize = memory.data(1000 * 8, 8);
const STACK_END: usize = STACK + MAX_DEPTH * FRAME_BYTES;

/** For each control character its escape, and how long that is: 2 or 6. */
const ESCAPE_BYTES: usize = 8;
const ESCAPE_LENGTH: usize = 7;
const ESCAPES: usize = memory.data(32 * 8, 8);

/** Sixteen bytes of ones before sixteen of zeros: a mask of so many lanes begins in it. */
const LANE_MASKS: usize = memory.data<u8>([
  255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
]);

prepareEscapes();

/** Behind the number that was read last. */
let behindVarint: usize = 0;
/** Behind the JSON that was written last. */
let behindJson: usize = 0;
let full: bool = false;

/** From here on, memory is the caller's. */
export function freeMemory(): usize {
  return __heap_base;
}

/** Where the JSON of the last call to `write` ends. */
export function end(): usize {
  return behindJson;
}

/** Whether the last call to `write` stopped as the next event does not fit. */
export function isFull(): bool {
  return full;
}

/**
 * Writes the leading events: to the first one that is unusual or does not fit.
 *
 * @param places Of `count` events where they begin and end, as pairs of u32
 * @param payloads What these are relative to
 * @param to Where the JSON goes
 * @param separator Goes before each event but the first of all; 0 for none
 * @param isFirst Whether the first one is the first of all, which always fits
 * @param limit Where the JSON must end
 * @returns How many were written
 */
export function write(
  count: i32,
  places: usize,
  payloads: usize,
  to: usize,
  separator: u8,
  isFirst: bool,
  limit: usize,
): i32 {
  full = false;
  behindJson = to;
  for (let i: i32 = 0; i < count; i++) {
    if (separator != 0 && !isFirst) store<u8>(to++, separator);
    const from = payloads + load<u32>(places);
    to = writePayload(from, payloads + load<u32>(places + 4), to);
    if (to == UNUSUAL) return i;
    if (to > limit && !isFirst) {
      full = true;
      return i;
    }
    isFirst = false;
    behindJson = to;
    places += 8;
  }
  return count;
}

/**
 * Walks one payload, front to back, writing as it goes. One function with its
 * places in local variables is a third faster than one for each kind of value; and
 * a length is read where it stands, four times over, since a helper that returns
 * it together with where it ends takes a quarter more time for everything.
 *
 * @returns Where the JSON ends
 */
function writePayload(at: usize, payloadEnd: usize, to: usize): usize {
  let end = payloadEnd;
  let isList = false;
  let isFirst = true;
  let frame = STACK;
  let length: u32 = 0;
  store<u8>(to++, OPEN_BRACE);
  while (true) {
    while (at >= end) {
      store<u8>(to++, isList ? CLOSE_BRACKET : CLOSE_BRACE);
      if (frame == STACK) return to;
      frame -= FRAME_BYTES;
      end = load<u32>(frame);
      isList = load<u32>(frame + 4) != 0;
      isFirst = false;
    }
    if (!isFirst) store<u8>(to++, COMMA);
    isFirst = false;

    if (load<u8>(at++) != TAG_FIELD) return UNUSUAL;
    length = load<u8>(at++);
    if (length >= 0x80) {
      length = readLongVarint(at - 1);
      at = behindVarint;
    }
    const valueEnd = at + length;
    if (valueEnd > end) return UNUSUAL;

    if (!isList) {
      if (load<u8>(at++) != TAG_ENTRY_KEY) return UNUSUAL;
      length = load<u8>(at++);
      if (length >= 0x80) {
        length = readLongVarint(at - 1);
        at = behindVarint;
      }
      const keyEnd = at + length;
      if (keyEnd > valueEnd) return UNUSUAL;
      to = writeString(at, keyEnd, to);
      if (to == UNUSUAL) return UNUSUAL;
      at = keyEnd;
      store<u16>(to, WORD_QUOTE_COLON);
      to += 2;
      if (load<u8>(at++) != TAG_ENTRY_VALUE) return UNUSUAL;
      length = load<u8>(at++);
      if (length >= 0x80) {
        length = readLongVarint(at - 1);
        at = behindVarint;
      }
      if (at + length != valueEnd) return UNUSUAL;
    }

    if (at == valueEnd) {
      // A Value without a kind: not allowed, and nothing but null comes close.
      store<u32>(to, WORD_NULL);
      to += 4;
      continue;
    }
    const tag: u32 = load<u8>(at++);
    if (tag == TAG_NUMBER) {
      if (at + 8 != valueEnd) return UNUSUAL;
      to = writeNumber(load<f64>(at), to);
      at = valueEnd;
      continue;
    }
    length = load<u8>(at++);
    if (length >= 0x80) {
      length = readLongVarint(at - 1);
      at = behindVarint;
    }
    if (tag == TAG_STRING) {
      if (at + length != valueEnd) return UNUSUAL;
      to = writeString(at, valueEnd, to);
      if (to == UNUSUAL) return UNUSUAL;
      at = valueEnd;
      store<u8>(to++, QUOTE);
    } else if (tag == TAG_BOOL || tag == TAG_NULL) {
      if (at != valueEnd || length == TOO_LONG) return UNUSUAL;
      if (tag == TAG_NULL) {
        store<u32>(to, WORD_NULL);
        to += 4;
      } else if (length != 0) {
        store<u32>(to, WORD_TRUE);
        to += 4;
      } else {
        store<u64>(to, WORD_FALSE);
        to += 5;
      }
    } else if (tag == TAG_STRUCT || tag == TAG_LIST) {
      if (at + length != valueEnd || frame == STACK_END) return UNUSUAL;
      store<u32>(frame, <u32>end);
      store<u32>(frame + 4, <u32>isList);
      frame += FRAME_BYTES;
      end = valueEnd;
      isList = tag == TAG_LIST;
      isFirst = true;
      store<u8>(to++, isList ? OPEN_BRACKET : OPEN_BRACE);
    } else {
      return UNUSUAL;
    }
  }
}

/** Reads a number of more than one byte; `TOO_LONG` where it has more than 28 bits. */
function readLongVarint(at: usize): u32 {
  let value: u32 = 0;
  for (let shift: u32 = 0; shift < 28; shift += 7) {
    const byte: u32 = load<u8>(at++);
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) {
      behindVarint = at;
      return value;
    }
  }
  behindVarint = at;
  return TOO_LONG;
}

function writeNumber(value: f64, to: usize): usize {
  const integer = <i64>value;
  const isExact = <f64>integer == value && abs(value) <= MAX_SAFE_INTEGER;
  const isMinusZero = integer == 0 && reinterpret<u64>(value) != 0;
  if (isExact && !isMinusZero) return writeInteger(integer, to);
  const length = numberText(value);
  for (let i: i32 = 0; i < length; i++) {
    store<u8>(to++, <u8>numberCharacter(i));
  }
  return to;
}

function writeInteger(value: i64, to: usize): usize {
  if (value < 0) store<u8>(to++, MINUS);
  let rest: u64 = abs(value);
  let digits: usize = 1;
  for (let limit: u64 = 10; limit <= rest; limit *= 10) digits++;
  const behind = to + digits;
  for (let digit = behind; digit > to;) {
    const tenth = rest / 10;
    store<u8>(--digit, ZERO + <u8>(rest - tenth * 10));
    rest = tenth;
  }
  return behind;
}

/** Lanes that are set for a control character, a quote and a backslash. */
@inline
function escaped(text: v128): v128 {
  return v128.or(
    v128.or(
      v128.lt<u8>(text, i8x16.splat(SPACE)),
      v128.eq<u8>(text, i8x16.splat(QUOTE)),
    ),
    v128.eq<u8>(text, i8x16.splat(BACKSLASH)),
  );
}

/** The lowest lanes of a bit mask, up to all of them. */
@inline
function lowest(lanes: i32): i32 {
  return (1 << lanes) - 1;
}

/** Writes the opening quote and the text; the closing one is the caller's. */
@inline
function writeString(at: usize, end: usize, to: usize): usize {
  store<u8>(to++, QUOTE);
  const text = v128.load(at);
  v128.store(to, text);
  const length = <i32>(end - at);
  // Most are short, and all in ASCII.
  const odd = v128.bitmask<i8>(v128.or(escaped(text), text));
  if (length <= LANES && (odd & lowest(length)) == 0) return to + length;
  return writeText(at, end, to);
}

/** Copies text of any length and content, sixteen bytes at a time. */
function writeText(start: usize, end: usize, to: usize): usize {
  let at = start;
  let beyondAscii: i32 = 0;
  while (at < end) {
    const text = v128.load(at);
    v128.store(to, text);
    const left = <i32>(end - at);
    const lanes = left < LANES ? lowest(left) : ALL_LANES;
    beyondAscii |= v128.bitmask<i8>(text) & lanes;
    const found = v128.bitmask<i8>(escaped(text)) & lanes;
    if (found == 0) {
      const copied = min(left, LANES);
      at += copied;
      to += copied;
      continue;
    }
    const copied = ctz(found);
    to += copied;
    const byte = load<u8>(at + copied);
    at += copied + 1;
    if (byte < SPACE) {
      const escape = ESCAPES + <usize>byte * ESCAPE_BYTES;
      store<u64>(to, load<u64>(escape));
      to += load<u8>(escape, ESCAPE_LENGTH);
    } else {
      store<u8>(to, BACKSLASH);
      store<u8>(to + 1, byte);
      to += 2;
    }
  }
  return beyondAscii == 0 || isUtf8(start, end) ? to : UNUSUAL;
}

function prepareEscapes(): void {
  for (let byte: u8 = 0; byte < SPACE; byte++) {
    const escape = ESCAPES + <usize>byte * ESCAPE_BYTES;
    const letter = letterOf(byte);
    store<u8>(escape, BACKSLASH);
    if (letter != 0) {
      store<u8>(escape + 1, letter);
      store<u8>(escape, 2, ESCAPE_LENGTH);
    } else {
      const low = byte & 15;
      store<u8>(escape + 1, LETTER_U);
      store<u8>(escape + 2, ZERO);
      store<u8>(escape + 3, ZERO);
      store<u8>(escape + 4, ZERO + (byte >> 4));
      store<u8>(escape + 5, low < 10 ? ZERO + low : LETTER_A + low - 10);
      store<u8>(escape, 6, ESCAPE_LENGTH);
    }
  }
}

/** Of JSON's two-character escapes, the second one; 0 where there is none. */
function letterOf(control: u8): u8 {
  switch (control) {
    case 0x08:
      return 0x62;
    case 0x09:
      return 0x74;
    case 0x0a:
      return 0x6e;
    case 0x0c:
      return 0x66;
    case 0x0d:
      return 0x72;
    default:
      return 0;
  }
}

/*
 * What may be wrong with two bytes in a row, a bit each. Every nibble of theirs
 * rules some of it out, and what is left after three of them is there.
 * From: J. Keiser and D. Lemire, "Validating UTF-8 In Less Than One Instruction
 * Per Byte", Software: Practice and Experience 51 (5), 2021.
 */

/** A lead that no continuation follows. */
const TOO_SHORT: u8 = 1 << 0;
/** ASCII that one follows. */
const TOO_MANY: u8 = 1 << 1;
const OVERLONG_3: u8 = 1 << 2;
const TOO_LARGE: u8 = 1 << 3;
const SURROGATE: u8 = 1 << 4;
const OVERLONG_2: u8 = 1 << 5;
/** Beyond U+13FFFF, or overlong with four bytes: the same nibbles tell both. */
const TOO_LARGE_1000: u8 = 1 << 6;
const OVERLONG_4: u8 = 1 << 6;
/** Right only as the third or fourth byte of a sequence. */
const TWO_CONTINUATIONS: u8 = 1 << 7;
/** What the low nibble of the first byte has no say in. */
const CARRY: u8 = TOO_SHORT | TOO_MANY | TWO_CONTINUATIONS;

const BY_FIRST_HIGH: usize = memory.data<u8>([
  TOO_MANY,
  TOO_MANY,
  TOO_MANY,
  TOO_MANY,
  TOO_MANY,
  TOO_MANY,
  TOO_MANY,
  TOO_MANY,
  TWO_CONTINUATIONS,
  TWO_CONTINUATIONS,
  TWO_CONTINUATIONS,
  TWO_CONTINUATIONS,
  TOO_SHORT | OVERLONG_2,
  TOO_SHORT,
  TOO_SHORT | OVERLONG_3 | SURROGATE,
  TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4,
]);

const BY_FIRST_LOW: usize = memory.data<u8>([
  CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4,
  CARRY | OVERLONG_2,
  CARRY,
  CARRY,
  CARRY | TOO_LARGE,
  CARRY | TOO_LARGE | TOO_LARGE_1000,
  CARRY | TOO_LARGE | TOO_LARGE_1000,
  CARRY | TOO_LARGE | TOO_LARGE_1000,
  CARRY | TOO_LARGE | TOO_LARGE_1000,
  CARRY | TOO_LARGE | TOO_LARGE_1000,
  CARRY | TOO_LARGE | TOO_LARGE_1000,
  CARRY | TOO_LARGE | TOO_LARGE_1000,
  CARRY | TOO_LARGE | TOO_LARGE_1000,
  CARRY | TOO_LARGE | TOO_LARGE_1000 | SURROGATE,
  CARRY | TOO_LARGE | TOO_LARGE_1000,
  CARRY | TOO_LARGE | TOO_LARGE_1000,
]);

const CONTINUATION: u8 = TOO_MANY | OVERLONG_2 | TWO_CONTINUATIONS;

const BY_SECOND_HIGH: usize = memory.data<u8>([
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  CONTINUATION | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4,
  CONTINUATION | OVERLONG_3 | TOO_LARGE,
  CONTINUATION | SURROGATE | TOO_LARGE,
  CONTINUATION | SURROGATE | TOO_LARGE,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
  TOO_SHORT,
]);

/** Leads of three and of four bytes keep their high bit when this is taken off. */
const THIRD: i8 = 0x60;
const FOURTH: i8 = 0x70;
const HIGH_BIT: i8 = -0x80;

/** Whether the bytes are valid UTF-8 (RFC 3629). */
function isUtf8(at: usize, end: usize): bool {
  let wrong = i8x16.splat(0);
  let before = i8x16.splat(0);
  // Once more behind the end: a sequence must not be cut short by it.
  for (; at <= end; at += LANES) {
    const left = min<usize>(end - at, LANES);
    const mask = v128.load(LANE_MASKS + LANES - left);
    const bytes = v128.and(v128.load(at), mask);
    wrong = v128.or(wrong, wrongUtf8(before, bytes));
    before = bytes;
  }
  return !v128.any_true(wrong);
}

/** Lanes that are not 0 where a byte is wrong behind those before it. */
@inline
function wrongUtf8(before: v128, bytes: v128): v128 {
  const first = shuffle1(before, bytes);
  const second = shuffle2(before, bytes);
  const third = shuffle3(before, bytes);
  const nibble = i8x16.splat(0x0f);
  const pairs = v128.and(
    v128.and(
      v128.swizzle(v128.load(BY_FIRST_HIGH), v128.shr<u8>(first, 4)),
      v128.swizzle(v128.load(BY_FIRST_LOW), v128.and(first, nibble)),
    ),
    v128.swizzle(v128.load(BY_SECOND_HIGH), v128.shr<u8>(bytes, 4)),
  );
  // Behind the lead of three or four bytes, there must be two in a row.
  const high = i8x16.splat(HIGH_BIT);
  const due = v128.and(
    v128.or(
      v128.sub_sat<u8>(second, i8x16.splat(THIRD)),
      v128.sub_sat<u8>(third, i8x16.splat(FOURTH)),
    ),
    high,
  );
  return v128.xor(due, pairs);
}

/** Every byte's predecessor. */
@inline
function shuffle1(before: v128, bytes: v128): v128 {
  return v128.shuffle<i8>(
    before, bytes,
    15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30,
  );
}

/** The one before that. */
@inline
function shuffle2(before: v128, bytes: v128): v128 {
  return v128.shuffle<i8>(
    before, bytes,
    14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29,
  );
}

/** And the one before that. */
@inline
function shuffle3(before: v128, bytes: v128): v128 {
  return v128.shuffle<i8>(
    before, bytes,
    13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28,
  );
}
