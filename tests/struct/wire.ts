/**
 * Protobuf's wire format by hand, for what no encoder would write.
 *
 * @module
 */

type Bytes = Uint8Array<ArrayBuffer>;

const VARINT = 0;
const BIT_64 = 1;
const LENGTH_DELIMITED = 2;

const utf8 = new TextEncoder();

/** A number in as few bytes as it takes, or in `size` of them. */
export function varint(value: number, size = 1): Bytes {
  const bytes: number[] = [];
  for (let rest = value; rest > 0 || bytes.length < size; rest >>>= 7) {
    bytes.push(rest & 0x7f | 0x80);
  }
  bytes.push((bytes.pop() ?? 0) & 0x7f);
  return Uint8Array.from(bytes);
}

/** A field that holds text, bytes or a message. */
export function field(number: number, ...parts: (Bytes | string)[]): Bytes {
  const content = bytes(...parts);
  return bytes(
    varint(number << 3 | LENGTH_DELIMITED),
    varint(content.length),
    content,
  );
}

/** A field that holds a varint. */
export function varintField(number: number, value: Bytes | number): Bytes {
  return bytes(
    varint(number << 3 | VARINT),
    typeof value === "number" ? varint(value) : value,
  );
}

/** A field that holds a double. */
export function doubleField(number: number, value: number): Bytes {
  const double = new Uint8Array(8);
  new DataView(double.buffer).setFloat64(0, value, true);
  return bytes(varint(number << 3 | BIT_64), double);
}

/** Bytes and texts, one behind the other. */
export function bytes(...parts: (Bytes | string)[]): Bytes {
  return concat(parts);
}

function concat(parts: readonly (Bytes | string)[]): Bytes {
  const arrays = parts.map((part) =>
    typeof part === "string" ? utf8.encode(part) : part
  );
  const all = new Uint8Array(
    arrays.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const array of arrays) {
    all.set(array, at);
    at += array.length;
  }
  return all;
}

/** The fields of the messages that make up a Struct, by name. */
export const struct = {
  /** A Struct's entry. */
  entry: (...parts: Bytes[]) => field(1, ...parts),
  key: (text: Bytes | string) => field(1, text),
  value: (...parts: Bytes[]) => field(2, ...parts),
  /** A ListValue's item. */
  item: (...parts: Bytes[]) => field(1, ...parts),
  nullValue: () => varintField(1, 0),
  number: (value: number) => doubleField(2, value),
  string: (text: Bytes | string) => field(3, text),
  bool: (value: boolean | Bytes) =>
    varintField(4, typeof value === "boolean" ? Number(value) : value),
  struct: (...entries: Bytes[]) => field(5, ...entries),
  list: (...items: Bytes[]) => field(6, ...items),
};

/**
 * A Struct that holds so many Structs, or lists, one in the other; written from
 * the inside to the outside without copying, so that it may be of any depth.
 */
export function nested(depth: number, kind: "struct" | "list"): Bytes {
  const heads: Bytes[] = [];
  let length = 0;
  const open = (head: Bytes) => {
    heads.push(head);
    length += head.length;
  };
  const openEntry = () => {
    open(bytes(struct.key("a"), lengthOf(2, length)));
    open(lengthOf(1, length));
  };
  for (let level = 0; level < depth; level++) {
    if (kind === "struct") {
      open(lengthOf(5, length));
      openEntry();
    } else {
      open(lengthOf(6, length));
      if (level < depth - 1) open(lengthOf(1, length));
    }
  }
  if (kind === "list") openEntry();
  return concat(heads.reverse());
}

function lengthOf(number: number, length: number): Bytes {
  return bytes(varint(number << 3 | LENGTH_DELIMITED), varint(length));
}
