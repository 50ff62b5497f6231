import {
  type DescField,
  type DescMessage,
  getOption,
  type Message,
  ScalarType,
  toJson,
} from '@bufbuild/protobuf';
import { reflect } from '@bufbuild/protobuf/reflect';
import { createValidator } from '@bufbuild/protovalidate';
import {
  FieldRulesSchema,
  field as fieldRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import * as fc from 'fast-check';
import { pino } from 'pino';
import { RE2JS } from 're2js';
import { describe, expect, test } from 'vitest';
import { MAX_PATTERN_SIZE, patternSize } from '#domain/policy/pattern-size.ts';
import { checkMetadata } from '#server/destinations/metadata.ts';
import { targetRules } from '#server/destinations/target.ts';
import { createWebhook } from '#server/destinations/webhook.ts';
import { Failure } from '#server/failure.ts';
import { slugOf } from '#server/features/artifacts/slug.ts';
import {
  forgetPattern,
  matchesPattern,
  mayMatch,
  patternProblem,
  prepareMatches,
} from '#server/features/gate/branch-pattern.ts';
import { passwordProblem } from '#server/features/users/password-rule.ts';
import { connectErrorOf } from '#server/rpc/errors.ts';
import { everyMethod } from './every-method.ts';

/*
 * A pattern that backtracks can stall the server. Patterns of users run on RE2, and our own take time in proportion to the
 * text. Nothing here measures time: with these texts, a pattern that backtracks runs into the time limit of the test.
 */

const LONG = 100_000;
/** Texts on which patterns with several ways to match backtrack, each with an end that does not match. */
const NASTY = ['a', ' ', '-', '.', '1', 'a.', 'a@', '://', 'a:', '[', '["', '\\', 'é', '\u0301', '%', 'A-']
  .flatMap((piece) => [piece, `${piece}a`])
  .map((piece) => `${piece.repeat(LONG / piece.length)}\u0000`);

/** The text fields of a message and of the messages in it, with the path to each. */
function* textFields(
  desc: DescMessage,
  within: readonly DescField[] = [],
): Generator<{ path: readonly DescField[]; field: DescField }> {
  for (const field of desc.fields) {
    if (field.fieldKind === 'scalar' && field.scalar === ScalarType.STRING) yield { path: within, field };
    if (field.fieldKind === 'message' && within.length < 3)
      yield* textFields(field.message, [...within, field]);
  }
}

function holding(desc: DescMessage, path: readonly DescField[], field: DescField, text: string): Message {
  const message = reflect(desc);
  const [next, ...rest] = path;
  if (next === undefined) message.set(field, text);
  else if (next.fieldKind === 'message')
    message.set(next, reflect(next.message, holding(next.message, rest, field, text)));
  return message.message;
}

test('the rules of the contract check long texts of any kind', () => {
  const validator = createValidator();
  const seen = new Set<string>();
  for (const { input } of everyMethod) {
    for (const { path, field } of textFields(input)) {
      // Hundreds of fields share few rules.
      const key = JSON.stringify(toJson(FieldRulesSchema, getOption(field, fieldRules)));
      if (seen.has(key)) continue;
      seen.add(key);
      for (const text of NASTY) validator.validate(input, holding(input, path, field, text));
    }
  }
  expect(seen.size).toBeGreaterThan(10);
});

describe('patterns of users', () => {
  test.each([
    '(a+)+$',
    '(a|a)*$',
    '(a|aa)+$',
    '(.*)*$',
    '(.*a){20}$',
    '([a-z]+)*\\d',
    '^(([a-z])+.)+[A-Z]([a-z])+$',
  ])('%s is matched in linear time', (pattern) => {
    expect(patternProblem(pattern)).toBeNull();
    matchesPattern(pattern, `${'a'.repeat(10_000)}!`);
  });

  test.each([
    '((((a{30}){30}){30}){30})',
    '(a{1000}){1000}',
    `${'('.repeat(250)}${')'.repeat(250)}`,
    '(?:a{0,1000}){0,500}',
    '(?=a)',
    '(a)\\1',
  ])('%s is refused or harmless', (pattern) => {
    if (patternProblem(pattern) !== null) expect(() => matchesPattern(pattern, 'a')).toThrow();
    else expect(matchesPattern(pattern, 'a'.repeat(10_000))).toBeTypeOf('boolean');
  });

  test('the size of a pattern is found without compiling it, and never too small', () => {
    const pieces =
      'a b | ( ) (?: (?P<n> (?i) [ ] [^ - ^ $ . * + ? { } {2} {3,} {0,4} {7 , 0 9} \\Q \\E \\ \\d \\pL \\p{L} \\x{41} [: :] alpha é';
    const pattern = fc.array(fc.constantFrom(...pieces.split(' ')), { maxLength: 30 });
    let compiled = 0;
    fc.assert(
      fc.property(pattern, (parts) => {
        const text = parts.join('');
        const size = patternSize(text);
        fc.pre(size <= 20 * MAX_PATTERN_SIZE);
        let program: RE2JS;
        try {
          program = RE2JS.compile(text);
        } catch {
          return;
        }
        compiled++;
        expect(size, text).toBeGreaterThanOrEqual(program.programSize());
      }),
      { numRuns: 4_000 },
    );
    expect(compiled).toBeGreaterThan(100);
  });

  test('one that is too large is never compiled, and blocks', () => {
    const pattern = '(.?){1000}'.repeat(49);
    expect(patternProblem(pattern)).toContain('too large');
    expect(() => matchesPattern(pattern, 'main')).toThrow('the pattern is too large');
  });

  test('many of the largest on the longest branch let other work continue in between', async () => {
    const policies = Array.from({ length: 100 }, (_, n) => ({
      enabled: true,
      config: {
        type: 'branch_restriction' as const,
        targetEnvironment: 'production',
        branchPattern: `.{0,240}${n}x`,
      },
    }));
    for (const { config } of policies) expect(patternProblem(config.branchPattern)).toBeNull();
    const branch = 'a'.repeat(255);
    let turns = 0;
    let ended = false;
    const count = () => {
      turns++;
      if (!ended) setImmediate(count);
    };
    count();
    await Promise.all([prepareMatches(policies, branch), prepareMatches(policies, `${branch}b`)]);
    ended = true;
    // Each is about one turn's work, also when two requests evaluate at the same time.
    expect(turns).toBeGreaterThan(190);
    turns = 0;
    ended = false;
    count();
    await prepareMatches(policies, branch);
    ended = true;
    // Kept.
    expect(turns).toBe(1);
    for (const { config } of policies) forgetPattern(config.branchPattern);
    turns = 0;
    ended = false;
    count();
    await prepareMatches(policies, branch);
    ended = true;
    expect(turns).toBeGreaterThan(90);
  });

  test('a warning takes an unknown answer for a match, and an invalid pattern for none', async () => {
    const policy = (branchPattern: string) => ({
      enabled: true,
      config: { type: 'branch_restriction' as const, targetEnvironment: 'production', branchPattern },
    });
    expect(mayMatch('^unknown$', 'main')).toBe(true);
    await prepareMatches([policy('^unknown$'), policy('(')], null, ['main']);
    expect([mayMatch('^unknown$', 'main'), mayMatch('(', 'main')]).toEqual([false, false]);
    expect(() => matchesPattern('(', 'main')).toThrow();
  });
});

describe('our own patterns', () => {
  const webhook = createWebhook({
    clock: { now: () => new Date(), sleep: async () => {} },
    publicUrl: () => null,
    targets: targetRules(false),
    answerSeconds: 30,
  });
  const owner = { username: 'a'.repeat(64), email: `${'a.'.repeat(100)}@example.com` };
  test.each<[string, (text: string) => unknown]>([
    ['slugs', (text) => slugOf(text, new Uint8Array(8))],
    ['passwords of the maximum length', (text) => passwordProblem(text.slice(0, 256), owner)],
    ['metadata', (text) => checkMetadata(webhook, { url: text, secret: text, timeout_seconds: text })],
    [
      'the fields named by an error',
      (text) =>
        connectErrorOf(
          new Failure('invalid_argument', 'x', {
            fields: [{ field: `metadata["${text.slice(0, 1_000)}"]`, message: 'x' }],
          }),
          pino({ level: 'silent' }),
        ),
    ],
  ])('for %s take long texts', (_, check) => {
    for (const text of NASTY) check(text);
  });
});
