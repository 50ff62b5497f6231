import type { DescMessage, JsonObject, JsonValue } from '@bufbuild/protobuf';
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { Aim } from '../every-method.ts';
import type { Random } from '../faults/random.ts';

type Some<T> = readonly [T, ...T[]];
/** The words of a text, as choices. */
export const words = (text: string) => text.split(' ') as [string, ...string[]];

/** Texts that often reveal faults: control characters, lone surrogates, other alphabets, escapes. */
const TEXTS: Some<string> = [
  ...words('NaN -0 1e400 9223372036854775807 -9223372036854775808 9223372036854775808 18446744073709551616'),
  ...words('0x7fffffff null {} 0001-01-01T00:00:00Z 9999-12-31T23:59:59.999999999Z 10000-01-01T00:00:00Z'),
  ...words('315576000001s -1.5s 00000000-0000-0000-0000-000000000000 {01890000-0000-7000-8000-000000000000}'),
  ...words('admin forage __proto__ constructor toString prοduction production. Production \\ ../.. %00%0a'),
  ...words('%s%n{{7*7}} javascript:alert(1) =cmd|calc (a+)+$ (?:a{1000}){1000}'),
  ...['', ' ', '\0', 'a\0b', '\ud800', '\udfff\ud800', '\u202eevil', '\u2066iso\u2069', '\ufeff', '\u200b'],
  ...['\x1b[31mred', '\x7f', '\r\nSet-Cookie: a=b', '🙂'.repeat(60), 'é'.normalize('NFD'), '('.repeat(2_000)],
  ...['x'.repeat(3_000), 'x'.repeat(70_000), "'; drop table users; --", '<img src=x onerror=alert(1)>'],
];
const NUMBERS: Some<number> = [
  0, -0, -1, 1, 1.5, 100, 101, 2_147_483_647, 2_147_483_648, -2_147_483_648, 4_294_967_296, 1e15, 1e22, 1e308,
  -1e308, 5e-324,
];

export const oddText = (random: Random): string => random.pick(TEXTS);

/** A value that is invalid for most fields: odd, of another type, or valid for another field. */
function oddValue(random: Random, aim: Aim): JsonValue {
  const many = Array.from({ length: 500 }, (_, n) => ({ id: `s${n}`, dependsOn: ['first'] }));
  const others: Some<string> = [
    aim.intentId,
    aim.artifactId,
    aim.artifactId.toUpperCase(),
    aim.policy,
    aim.slug,
  ];
  const names = [
    aim.organisationId,
    aim.author.userId,
    aim.organisation,
    ...words('production staging first'),
  ];
  return random.pick<() => JsonValue>([
    () => oddText(random),
    () => oddText(random),
    () => random.pick(NUMBERS),
    () => random.pick([...others, ...names]),
    () => random.pick([true, false, null]),
    () => random.pick([[], [null], [[]], [''], ['a', 'a', '\0'], Array<string>(3_000).fill('x'), many]),
    () => random.pick<JsonValue>([{}, { a: 1 }, { organisation: '\0' }, { id: '', deploy: {} }]),
    () => Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`k${n}`, 'v'])),
  ])();
}

/** Changes a value, usually in one position. */
function changed(value: JsonValue, random: Random, aim: Aim): JsonValue {
  if (random.next() < 0.2 || typeof value !== 'object' || value === null) return oddValue(random, aim);
  if (Array.isArray(value)) {
    if (value.length === 0 || random.next() < 0.3) return [...value, oddValue(random, aim)];
    const at = random.integer(0, value.length - 1);
    return value.map((one, n) => (n === at ? changed(one, random, aim) : one));
  }
  const at = random.integer(0, Math.max(0, Object.keys(value).length - 1));
  const entries = Object.entries(value).map(([name, one], n): [string, JsonValue] => [
    name,
    n === at || random.next() < 0.1 ? changed(one, random, aim) : one,
  ]);
  return Object.fromEntries(entries);
}

/** Changes, adds or omits fields; the result is still JSON. */
export function mutatedJson(request: JsonObject, input: DescMessage, random: Random, aim: Aim): JsonValue {
  const copy = { ...request };
  const dice = random.next();
  const field = input.fields[random.integer(0, Math.max(0, input.fields.length - 1))];
  if (field !== undefined && dice < 0.25) copy[field.jsonName] = oddValue(random, aim);
  // The proto name sets the same field a second time.
  if (field !== undefined && dice < 0.05) copy[field.name] = oddValue(random, aim);
  if (dice > 0.9) delete copy[random.pick(['', ...Object.keys(copy)])];
  return dice > 0.25 && dice < 0.4 ? copy : changed(copy, random, aim);
}

/** Breaks JSON. Returns bytes, because the result may not be valid text. */
export function brokenJson(json: string, random: Random): Buffer {
  const cut = random.integer(0, json.length);
  const depth = random.pick([50, 101, 5_000, 100_000]);
  const literal = random.pick(words('"\\ud800" "\\u0000" 1e999 NaN -Infinity 0x10 01 \'x'));
  const prototypes = '{"__proto__":{"admin":true,"role":"admin"},"constructor":{"prototype":{"x":1}},';
  const inner = json.slice(1, -1);
  const text = random.pick<() => string | Buffer>([
    () => json.slice(0, cut),
    () => json.slice(0, cut) + random.pick(['\0', ' ', ...words('{ } [ ] " , : \\')]) + json.slice(cut),
    () => `${json}${json}`,
    () => Buffer.from(json, 'utf16le'),
    () => `\ufeff${json}`,
    () => json.replace(/"([^"]*)"(?!:)/, literal),
    () => json.replace('{', prototypes).replace(/,}$/, '}'),
    () => '['.repeat(depth) + ']'.repeat(depth),
    () => `${'{"project":'.repeat(depth)}{}${'}'.repeat(depth)}`,
    () => random.pick(['', '\0', ...words('null [] "" 0 true { // {}{}')]),
    // Duplicate keys.
    () => (inner === '' ? '{}' : `{${inner},${inner}}`),
    () => flipped(Buffer.from(json), random),
    // An unknown field.
    () => (inner === '' ? '{"unheard-of":[{}]}' : `{"unheard-of":${json},${inner}}`),
  ])();
  return Buffer.from(text);
}

/** Flips one to four bits. */
function flipped(bytes: Buffer, random: Random): Buffer {
  const copy = Buffer.from(bytes);
  for (let n = random.integer(1, 4); n > 0 && copy.length > 0; n--) {
    const place = random.integer(0, copy.length - 1);
    copy.writeUInt8(copy.readUInt8(place) ^ (1 << random.integer(0, 7)), place);
  }
  return copy;
}

interface WireField {
  readonly number: number;
  readonly type: WireType;
  /** The bytes after the tag, with the length prefix if there is one. */
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

const tag = (number: number, type: WireType) =>
  new BinaryWriter().uint32(((number << 3) | type) >>> 0).finish();
const joined = (...fields: WireField[]) =>
  Buffer.concat(fields.flatMap(({ number, type, bytes }) => [tag(number, type), bytes]));
const delimited = (bytes: Uint8Array) => new BinaryWriter().bytes(bytes).finish();

const hex = (text: string) => words(text).map((one) => Buffer.from(one, 'hex')) as [Buffer, ...Buffer[]];
const VARINTS = hex(
  '8000 ffffffffffffffffff01 ffffffffffffffffff7f ffffffffffffffffffffff01 ffffffff07 8080808008 80',
);
const NOT_UTF8 = hex('c328 eda080 f888808080 c080 ff');
const DOUBLES: Some<number> = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -0, 5e-324];

/** Replaces a field's value, sometimes with another wire type. */
function another(number: number, random: Random): WireField {
  const [type, bytes] = random.pick<readonly [WireType, Uint8Array]>([
    [WireType.Varint, random.pick(VARINTS)],
    [WireType.LengthDelimited, delimited(Buffer.from(oddText(random)))],
    [WireType.LengthDelimited, delimited(random.pick(NOT_UTF8))],
    [WireType.Bit64, new BinaryWriter().double(random.pick(DOUBLES)).finish()],
    [WireType.Bit32, new BinaryWriter().float(random.pick(DOUBLES)).finish()],
    // A wrong length.
    [WireType.LengthDelimited, random.pick(VARINTS)],
  ]);
  return { number, type, bytes };
}

function nested(number: number, depth: number): Uint8Array {
  let bytes: Uint8Array = new Uint8Array();
  for (let n = 0; n < depth; n++)
    bytes = joined({ number, type: WireType.LengthDelimited, bytes: delimited(bytes) });
  return bytes;
}

/** Changes, repeats, omits, moves or nests fields, or adds unknown ones. */
export function mutatedFields(message: Uint8Array, desc: DescMessage, random: Random): Uint8Array {
  const fields = fieldsOf(message);
  const at = random.integer(0, Math.max(0, fields.length - 1));
  const chosen = fields[at];
  const inner = desc.fields.find(({ number }) => number === chosen?.number)?.message;
  if (chosen?.type === WireType.LengthDelimited && inner !== undefined && random.next() < 0.5) {
    const content = new BinaryReader(chosen.bytes).bytes();
    return joined(...fields.with(at, { ...chosen, bytes: delimited(mutatedFields(content, inner, random)) }));
  }
  const known = desc.fields[random.integer(0, Math.max(0, desc.fields.length - 1))]?.number ?? 1;
  const group = tag(known, WireType.StartGroup);
  return random.pick<() => Uint8Array>([
    () => joined(...fields.toSpliced(at, 1, another(chosen?.number ?? known, random))),
    () => joined(...fields, another(known, random)),
    () => joined(...fields, ...fields),
    () => joined(...fields.toSpliced(at, 1)),
    () => joined(...random.shuffled(fields)),
    () => joined(...fields, another(random.pick([19_000, 536_870_911, 999, 77]), random)),
    () => Buffer.concat([message, nested(known, random.pick([99, 101, 1_000]))]),
    () => Buffer.concat([message, group]),
    () => Buffer.concat([message, Buffer.alloc(random.integer(1, 3_000), group)]),
    // An invalid field number or wire type.
    () => Buffer.concat([message, random.pick(hex('00 07 0601'))]),
  ])();
}

/** Truncates a message, flips bits or inserts random bytes. */
export function brokenBytes(message: Uint8Array, random: Random): Uint8Array {
  const bytes = Buffer.from(message);
  const cut = random.integer(0, bytes.length);
  const noise = Buffer.from(Array.from({ length: random.integer(1, 40) }, () => random.integer(0, 255)));
  return random.pick([
    bytes.subarray(0, cut),
    flipped(bytes, random),
    Buffer.concat([bytes.subarray(0, cut), noise, bytes.subarray(cut)]),
    Buffer.concat([bytes, bytes]),
    noise,
  ]);
}
