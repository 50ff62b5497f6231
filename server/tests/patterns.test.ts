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
import { pino } from 'pino';
import { describe, expect, test } from 'vitest';
import { checkMetadata } from '#server/destinations/metadata.ts';
import { targetRules } from '#server/destinations/target.ts';
import { createWebhook } from '#server/destinations/webhook.ts';
import { Failure } from '#server/failure.ts';
import { slugOf } from '#server/features/artifacts/slug.ts';
import { matchesPattern, patternProblem } from '#server/features/gate/branch-pattern.ts';
import { passwordProblem } from '#server/features/users/password-rule.ts';
import { connectErrorOf } from '#server/rpc/errors.ts';
import { everyMethod } from './every-method.ts';

/*
 * Patterns stall servers: those that people write run on RE2, and ours take time in proportion to what they look at. What is
 * measured is far from the border, so that a busy machine fails nothing: a pattern that backtracks takes minutes.
 */

const LONG = 100_000;
/** Texts that patterns with two ways to match are slow on, each with an end that does not match. */
const NASTY = ['a', ' ', '-', '.', '1', 'a.', 'a@', '://', 'a:', '[', '["', '\\', 'é', '\u0301', '%', 'A-']
  .flatMap((piece) => [piece, `${piece}a`])
  .map((piece) => `${piece.repeat(LONG / piece.length)}\u0000`);

const took = (work: () => unknown): number => {
  const began = performance.now();
  work();
  return performance.now() - began;
};

/** The text fields of a message and of all in it, each with a way to make one that holds a text there. */
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

describe('the contract’s rules', () => {
  test('are through with a long text of any kind in a moment', () => {
    const validator = createValidator();
    const seen = new Set<string>();
    let slowest = { milliseconds: 0, where: '' };
    for (const { input } of everyMethod) {
      for (const { path, field } of textFields(input)) {
        const where = `${field.parent.typeName}.${field.name}`;
        const rules = getOption(field, fieldRules);
        // Hundreds of fields, and few rules.
        const key = JSON.stringify(toJson(FieldRulesSchema, rules));
        if (seen.has(key)) continue;
        seen.add(key);
        for (const text of NASTY) {
          const message = holding(input, path, field, text);
          const milliseconds = took(() => validator.validate(input, message));
          if (milliseconds > slowest.milliseconds) slowest = { milliseconds, where };
        }
      }
    }
    expect(seen.size).toBeGreaterThan(10);
    expect(slowest.milliseconds, slowest.where).toBeLessThan(3_000);
  });
});

describe('patterns that people write', () => {
  test.each([
    '(a+)+$',
    '(a|a)*$',
    '(a|aa)+$',
    '(.*)*$',
    '(.*a){20}$',
    '([a-z]+)*\\d',
    '^(([a-z])+.)+[A-Z]([a-z])+$',
  ])('%s takes no longer for a branch that it nearly matches', (pattern) => {
    expect(patternProblem(pattern)).toBeNull();
    expect(took(() => matchesPattern(pattern, `${'a'.repeat(10_000)}!`))).toBeLessThan(3_000);
  });

  test.each([
    '((((a{30}){30}){30}){30})',
    '(a{1000}){1000}',
    `${'('.repeat(250)}${')'.repeat(250)}`,
    '(?:a{0,1000}){0,500}',
    '(?=a)',
    '(a)\\1',
  ])('%s is refused or harmless, at once', (pattern) => {
    let harmless = true;
    const milliseconds = took(() => {
      if (patternProblem(pattern) === null)
        harmless = typeof matchesPattern(pattern, 'a'.repeat(10_000)) === 'boolean';
    });
    expect([harmless, milliseconds < 3_000]).toEqual([true, true]);
  });
});

describe('our own patterns', () => {
  const webhook = createWebhook({
    clock: { now: () => new Date(), sleep: async () => {} },
    publicUrl: () => null,
    targets: targetRules(false),
  });
  const owner = { username: 'a'.repeat(64), email: `${'a.'.repeat(100)}@example.com` };
  test.each<[string, (text: string) => unknown]>([
    ['slugs', (text) => slugOf(text, new Uint8Array(8))],
    ['passwords, as long as they may be', (text) => passwordProblem(text.slice(0, 256), owner)],
    ['metadata', (text) => checkMetadata(webhook, { url: text, secret: text, timeout_seconds: text })],
    [
      'the fields that a refusal names',
      (text) =>
        connectErrorOf(
          new Failure('invalid_argument', 'x', {
            fields: [{ field: `metadata["${text.slice(0, 1_000)}"]`, message: 'x' }],
          }),
          pino({ level: 'silent' }),
        ),
    ],
  ])('for %s are through in a moment', (_, look) => {
    for (const text of NASTY) expect(took(() => look(text))).toBeLessThan(3_000);
  });
});
