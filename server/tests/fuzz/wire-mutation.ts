import type { DescMessage } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Chance } from '../faults/random.ts';
import { flipped } from './json-mutation.ts';
import { oddText } from './odd-values.ts';

interface WireField {
  readonly number: number;
  readonly type: WireType;
  /** What stands behind the tag, with its length where it has one. */
  readonly bytes: Uint8Array;
}

function fieldsOf(message: Uint8Array): WireField[] {
  const reader = new BinaryReader(message);
  const fields: WireField[] = [];
  while (reader.pos < reader.len) {
    const [number, type] = reader.tag();
    const from = reader.pos;
    reader.skip(type, number);
    fields.push({ number, type, bytes: message.subarray(from, reader.pos) });
  }
  return fields;
}

const tagOf = ({ number, type }: WireField): Uint8Array =>
  new BinaryWriter().uint32(((number << 3) | type) >>> 0).finish();
const joined = (fields: readonly WireField[]): Uint8Array =>
  Buffer.concat(fields.flatMap((field) => [tagOf(field), field.bytes]));
const delimited = (bytes: Uint8Array): Uint8Array => new BinaryWriter().bytes(bytes).finish();
const content = ({ bytes }: WireField): Uint8Array => new BinaryReader(bytes).bytes();

const VARINTS: readonly [Uint8Array, ...Uint8Array[]] = [
  Uint8Array.of(0x80, 0x00),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
  Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x07),
  Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x08),
  Uint8Array.of(0x80),
];
/** Not a number, infinities, the least above nothing. */
const DOUBLES: readonly [number, ...number[]] = [
  Number.NaN,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  -0,
  5e-324,
];
const NO_TEXT: readonly [Uint8Array, ...Uint8Array[]] = [
  Uint8Array.of(0xc3, 0x28),
  Uint8Array.of(0xed, 0xa0, 0x80),
  Uint8Array.of(0xf8, 0x88, 0x80, 0x80, 0x80),
  Uint8Array.of(0xc0, 0x80),
  Uint8Array.of(0xff),
];

function nested(number: number, depth: number): Uint8Array {
  let bytes: Uint8Array = new Uint8Array();
  for (let n = 0; n < depth; n++)
    bytes = joined([{ number, type: WireType.LengthDelimited, bytes: delimited(bytes) }]);
  return bytes;
}

/** Another value of a field, sometimes of another wire type. */
function another(field: WireField, chance: Chance): WireField {
  switch (chance.whole(0, 5)) {
    case 0:
      return { ...field, type: WireType.Varint, bytes: chance.pick(VARINTS) };
    case 1:
      return { ...field, type: WireType.LengthDelimited, bytes: delimited(Buffer.from(oddText(chance))) };
    case 2:
      return { ...field, type: WireType.LengthDelimited, bytes: delimited(chance.pick(NO_TEXT)) };
    case 3:
      return {
        ...field,
        type: WireType.Bit64,
        bytes: new BinaryWriter().double(chance.pick(DOUBLES)).finish(),
      };
    case 4:
      return {
        ...field,
        type: WireType.Bit32,
        bytes: new BinaryWriter().float(chance.pick(DOUBLES)).finish(),
      };
    default:
      // A length that lies.
      return { ...field, type: WireType.LengthDelimited, bytes: chance.pick(VARINTS) };
  }
}

/** A message with its fields changed, doubled, left out, moved, unheard of or nested beyond reason. */
export function mutatedFields(message: Uint8Array, desc: DescMessage, chance: Chance): Uint8Array {
  const fields = fieldsOf(message);
  const at = chance.whole(0, Math.max(0, fields.length - 1));
  const chosen = fields[at];
  const inner = desc.fields.find(({ number }) => number === chosen?.number);
  if (
    chosen !== undefined &&
    inner?.message !== undefined &&
    chosen.type === WireType.LengthDelimited &&
    chance.next() < 0.5
  ) {
    const bytes = delimited(mutatedFields(content(chosen), inner.message, chance));
    return joined(fields.with(at, { ...chosen, bytes }));
  }
  const known = desc.fields[chance.whole(0, Math.max(0, desc.fields.length - 1))]?.number ?? 1;
  const sample: WireField = {
    number: known,
    type: WireType.LengthDelimited,
    bytes: delimited(new Uint8Array()),
  };
  switch (chance.whole(0, 9)) {
    case 0:
      return joined(
        chosen === undefined ? [another(sample, chance)] : fields.with(at, another(chosen, chance)),
      );
    case 1:
      return joined([...fields, another(sample, chance)]);
    case 2:
      return joined([...fields, ...fields]);
    case 3:
      return joined(fields.toSpliced(at, 1));
    case 4:
      return joined(chance.shuffled(fields));
    case 5:
      return joined([...fields, { ...sample, number: chance.pick([19_000, 536_870_911, 999, 77]) }]);
    case 6:
      return Buffer.concat([joined(fields), nested(known, chance.pick([99, 101, 1_000]))]);
    case 7:
      return Buffer.concat([joined(fields), new BinaryWriter().tag(known, WireType.StartGroup).finish()]);
    case 8:
      return Buffer.concat([
        joined(fields),
        Buffer.alloc(chance.whole(1, 3_000), new BinaryWriter().tag(known, WireType.StartGroup).finish()),
      ]);
    default:
      // A number, or a type, that no field can have.
      return Buffer.concat([
        joined(fields),
        chance.pick([Uint8Array.of(0), Uint8Array.of(7), Uint8Array.of(6, 1)]),
      ]);
  }
}

/** Bytes that were a message. */
export function brokenBytes(message: Uint8Array, chance: Chance): Uint8Array {
  const bytes = Buffer.from(message);
  const cut = chance.whole(0, bytes.length);
  switch (chance.whole(0, 4)) {
    case 0:
      return bytes.subarray(0, cut);
    case 1:
      return flipped(bytes, chance);
    case 2:
      return Buffer.concat([bytes.subarray(0, cut), noise(chance), bytes.subarray(cut)]);
    case 3:
      return Buffer.concat([bytes, bytes]);
    default:
      return noise(chance);
  }
}

const noise = (chance: Chance): Buffer =>
  Buffer.from(Array.from({ length: chance.whole(1, 40) }, () => chance.whole(0, 255)));
