import type { DescMessage, JsonObject, JsonValue } from '@bufbuild/protobuf';
import type { Aim } from '../every-method.ts';
import type { Chance } from '../faults/random.ts';
import { oddValue } from './odd-values.ts';

/** Changes something within a value, mostly one thing. */
function changed(value: JsonValue, chance: Chance, aim: Aim): JsonValue {
  if (chance.next() < 0.2) return oddValue(chance, aim);
  if (Array.isArray(value)) {
    if (value.length === 0 || chance.next() < 0.3) return [...value, oddValue(chance, aim)];
    const at = chance.whole(0, value.length - 1);
    return value.map((one, n) => (n === at ? changed(one, chance, aim) : one));
  }
  if (typeof value === 'object' && value !== null) {
    const names = Object.keys(value);
    const at = chance.whole(0, Math.max(0, names.length - 1));
    return Object.fromEntries(
      Object.entries(value).map(([name, one], n) => [
        name,
        n === at || chance.next() < 0.1 ? changed(one, chance, aim) : one,
      ]),
    );
  }
  return oddValue(chance, aim);
}

/** A message with fields changed, added by another's rules, or left out; still JSON. */
export function mutatedJson(request: JsonObject, input: DescMessage, chance: Chance, aim: Aim): JsonValue {
  const copy = { ...request };
  const dice = chance.next();
  const field = input.fields[chance.whole(0, Math.max(0, input.fields.length - 1))];
  if (field !== undefined && dice < 0.25) copy[field.jsonName] = oddValue(chance, aim);
  // The field's other spelling: the same field twice.
  if (field !== undefined && dice < 0.05) copy[field.name] = oddValue(chance, aim);
  if (dice > 0.9) delete copy[chance.pick(['', ...Object.keys(copy)])];
  return dice > 0.25 && dice < 0.4 ? copy : changed(copy, chance, aim);
}

const at = (text: string, chance: Chance): number => chance.whole(0, text.length);

/** What is hardly JSON any more: as bytes, since it need not be text either. */
export function brokenJson(text: string, chance: Chance): Buffer {
  const cut = at(text, chance);
  switch (chance.whole(0, 12)) {
    case 0:
      return Buffer.from(text.slice(0, cut));
    case 1:
      return Buffer.from(
        text.slice(0, cut) +
          chance.pick(['{', '}', '[', ']', '"', ',', ':', '\\', '\0', ' ']) +
          text.slice(cut),
      );
    case 2:
      return Buffer.from(`${text}${text}`);
    case 3:
      return Buffer.from(text, 'utf16le');
    case 4:
      return Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), Buffer.from(text)]);
    case 5:
      return Buffer.from(
        text.replace(
          /"([^"]*)"(?!:)/,
          chance.pick(['"\\ud800"', '"\\u0000"', '1e999', 'NaN', '-Infinity', '0x10', '01', "'x'"]),
        ),
      );
    case 6:
      return Buffer.from(
        text
          .replace('{', '{"__proto__":{"admin":true,"role":"admin"},"constructor":{"prototype":{"x":1}},')
          .replace(/,}$/, '}'),
      );
    case 7: {
      const depth = chance.pick([50, 101, 5_000, 100_000]);
      return Buffer.from(`${'['.repeat(depth)}${']'.repeat(depth)}`);
    }
    case 8: {
      const depth = chance.pick([50, 101, 5_000]);
      return Buffer.from(`${'{"project":'.repeat(depth)}{}${'}'.repeat(depth)}`);
    }
    case 9:
      return Buffer.from(chance.pick(['', 'null', '[]', '""', '0', 'true', '{', '//', '{}{}', '\0']));
    case 10: {
      // Every key twice.
      const inner = text.slice(1, -1);
      return Buffer.from(inner === '' ? '{}' : `{${inner},${inner}}`);
    }
    case 11:
      return flipped(Buffer.from(text), chance);
    default:
      // A field that nobody knows, with everything inside.
      return Buffer.from(text === '{}' ? '{"unheard-of":[{}]}' : `{"unheard-of":${text},${text.slice(1)}`);
  }
}

/** One to four bits turned round. */
export function flipped(bytes: Buffer, chance: Chance): Buffer {
  const copy = Buffer.from(bytes);
  for (let n = chance.whole(1, 4); n > 0 && copy.length > 0; n--) {
    const place = chance.whole(0, copy.length - 1);
    copy.writeUInt8(copy.readUInt8(place) ^ (1 << chance.whole(0, 7)), place);
  }
  return copy;
}
