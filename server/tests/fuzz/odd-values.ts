import type { JsonValue } from '@bufbuild/protobuf';
import type { Aim } from '../every-method.ts';
import type { Chance } from '../faults/random.ts';

/** Texts that have broken something somewhere: controls, halves of characters, other alphabets, other languages' escapes. */
const TEXTS: readonly [string, ...string[]] = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  '\udfff\ud800',
  '\u202eevil',
  '\u2066iso\u2069',
  '\ufeff',
  '\u200b',
  '\x1b[31mred',
  '\x7f',
  '\r\nSet-Cookie: a=b',
  '🙂'.repeat(60),
  'é'.normalize('NFD'),
  'prοduction',
  'production.',
  'Production',
  'x'.repeat(3_000),
  'x'.repeat(70_000),
  '../..',
  "'; drop table users; --",
  '%00%0a',
  '%s%n{{7*7}}',
  '<img src=x onerror=alert(1)>',
  'javascript:alert(1)',
  '=cmd|calc',
  '(a+)+$',
  '('.repeat(2_000),
  '(?:a{1000}){1000}',
  '\\',
  'NaN',
  '-0',
  '1e400',
  '9223372036854775807',
  '-9223372036854775808',
  '9223372036854775808',
  '18446744073709551616',
  '0x7fffffff',
  'null',
  '{}',
  '0001-01-01T00:00:00Z',
  '9999-12-31T23:59:59.999999999Z',
  '10000-01-01T00:00:00Z',
  '315576000001s',
  '-1.5s',
  '00000000-0000-0000-0000-000000000000',
  '{01890000-0000-7000-8000-000000000000}',
  'admin',
  'forage',
  '__proto__',
  'constructor',
  'toString',
];

const NUMBERS: readonly [number, ...number[]] = [
  0, -0, -1, 1, 1.5, 100, 101, 2_147_483_647, 2_147_483_648, -2_147_483_648, 4_294_967_296, 1e15, 1e22, 1e308,
  -1e308, 5e-324,
];

/** A value that hardly any field is for. */
export function oddValue(chance: Chance, aim: Aim): JsonValue {
  switch (chance.whole(0, 6)) {
    case 0:
    case 1:
      return chance.pick(TEXTS);
    case 2:
      return chance.pick(NUMBERS);
    case 3:
      // Right ones, in the wrong place.
      return chance.pick([
        aim.intentId,
        aim.artifactId,
        aim.artifactId.toUpperCase(),
        aim.organisationId,
        aim.author.userId,
        aim.organisation,
        aim.policy,
        aim.slug,
        'production',
        'staging',
        'checkout',
        'first',
      ]);
    case 4:
      return chance.pick<JsonValue>([true, false, null]);
    case 5:
      return chance.pick<JsonValue>([
        [],
        [null],
        [[]],
        [''],
        ['a', 'a', '\0'],
        Array.from({ length: 3_000 }, () => 'x'),
        Array.from({ length: 500 }, (_, n) => ({ id: `s${n}`, dependsOn: ['first'] })),
      ]);
    default:
      return chance.pick<JsonValue>([
        {},
        { a: 1 },
        { organisation: '\0' },
        { id: '', deploy: {} },
        Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`k${n}`, 'v'])),
      ]);
  }
}

export const oddText = (chance: Chance): string => chance.pick(TEXTS);
