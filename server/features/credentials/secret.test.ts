import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { type CredentialKind, csrfToken, hashSecret, makeSecret } from './secret.ts';

const random = () => 'A'.repeat(43);

test('every kind of secret has a prefix that scanners recognise', () => {
  const kinds: CredentialKind[] = ['session', 'access', 'refresh', 'personal', 'set_up', 'service'];
  const secrets = kinds.map((kind) => makeSecret(kind, random));
  for (const secret of secrets) expect(secret).toMatch(/^forage_[a-z]_[A-Za-z0-9_-]{43}([A-Za-z0-9]{6})?$/);
  expect(new Set(secrets).size).toBe(kinds.length);
});

test('a secret is stored as its SHA-256', () => {
  expect(hashSecret('forage_s_x').toString('hex')).toBe(
    createHash('sha256').update('forage_s_x').digest('hex'),
  );
  expect(hashSecret('forage_s_x')).toHaveLength(32);
});

test('the CSRF token is the same for one session only and does not contain the secret', () => {
  const secret = makeSecret('session', random);
  expect(csrfToken(secret)).toBe(csrfToken(secret));
  expect(csrfToken(secret)).not.toBe(csrfToken(`${secret}x`));
  expect(csrfToken(secret)).toMatch(/^[A-Za-z0-9_-]{43}$/);
  expect(csrfToken(secret)).not.toContain(secret);
});

test('an access token ends in a checksum of the rest', () => {
  for (const kind of ['personal', 'service'] as const) {
    const secret = makeSecret(kind, random);
    const { before = '', digits = '' } = /^(?<before>.{52})(?<digits>.{6})$/.exec(secret)?.groups ?? {};
    const value = [...digits].reduce((sum, digit) => {
      const numeral = /\d/.test(digit) ? 48 : /[A-Z]/.test(digit) ? 55 : 61;
      return sum * 62 + digit.charCodeAt(0) - numeral;
    }, 0);
    expect(value).toBe(crc32(before));
  }
});
