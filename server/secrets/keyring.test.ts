import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigError, readConfig } from '#server/config.ts';
import { createKeyring, keyIdOf, readSecretsKey, SecretError, type SecretsKey } from './keyring.ts';
import { openKeyring } from './open-keyring.ts';

const made = (): SecretsKey => readSecretsKey(randomBytes(32).toString('base64'));

describe('a keyring', () => {
  const key = made();
  const ring = createKeyring(key, []);

  test('decrypts a secret for its owner only, and never encrypts alike', () => {
    const [one, other] = [ring.encrypt('naïve secret', 'here'), ring.encrypt('naïve secret', 'here')];
    expect(ring.decrypt(one, 'here')).toBe('naïve secret');
    expect(one).not.toBe(other);
    expect(one).not.toContain('secret');
    expect(keyIdOf(one)).toBe(key.id);
    expect(() => ring.decrypt(one, 'there')).toThrow(SecretError);
    expect(ring.decrypt(ring.encrypt('', 'here'), 'here')).toBe('');
  });

  test('refuses changed, truncated and unencrypted values', () => {
    const encrypted = ring.encrypt('secret', 'here');
    const start = encrypted.lastIndexOf(':') + 1;
    const bytes = Buffer.from(encrypted.slice(start), 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const text = encrypted.slice(0, start) + changed.toString('base64url');
      expect(() => ring.decrypt(text, 'here'), `byte ${at}`).toThrow(SecretError);
    }
    for (const text of ['', 'whsec_plain', `v1:${key.id}:`, `v1:${key.id}:AAAA`, encrypted.slice(0, -3)])
      expect(() => ring.decrypt(text, 'here'), text).toThrow(SecretError);
    expect(() => ring.decrypt(encrypted.replace('v1:', 'v2:'), 'here')).toThrow(SecretError);
    expect(() => ring.decrypt(`${encrypted}:more`, 'here')).toThrow(SecretError);
  });

  test('decrypts with old keys, and encrypts with the current one only', () => {
    const encrypted = ring.encrypt('secret', 'here');
    const next = made();
    const rotated = createKeyring(next, [key]);
    expect(rotated.decrypt(encrypted, 'here')).toBe('secret');
    expect(keyIdOf(rotated.encrypt('secret', 'here'))).toBe(next.id);
    const without = createKeyring(next, []);
    expect(() => without.decrypt(encrypted, 'here')).toThrow(`key ${key.id}`);
    expect([without.has(key.id), rotated.has(key.id)]).toEqual([false, true]);
    const reader = createKeyring(null, [key]);
    expect(reader.decrypt(encrypted, 'here')).toBe('secret');
    expect(() => reader.encrypt('secret', 'here')).toThrow(SecretError);
  });

  test('shows no key when it is printed', () => {
    const text = randomBytes(32).toString('base64');
    const { secretsKey } = readConfig({ SECRETS_KEY: text });
    expect(JSON.stringify(secretsKey)).not.toContain(text.slice(0, 10));
    expect(secretsKey?.id).toMatch(/^[0-9a-f]{8}$/);
  });
});

describe('the variables', () => {
  const good = randomBytes(32).toString('base64');
  test.each([
    ['too short', randomBytes(31).toString('base64')],
    ['too long', randomBytes(33).toString('base64')],
    ['hexadecimal', randomBytes(32).toString('hex')],
    ['words', 'correct horse battery staple correct hors'],
  ])('refuse a key that is %s without repeating it', (_, text) => {
    for (const env of [{ SECRETS_KEY: text }, { SECRETS_KEY: good, SECRETS_KEYS_OLD: `${good},${text}` }]) {
      expect(() => readConfig(env)).toThrow(ConfigError);
      expect(() => readConfig(env)).toThrow(/^SECRETS_KEY(S_OLD)?: must be 32 bytes in base64/);
      expect(() => readConfig(env)).not.toThrow(text);
    }
  });

  test('accept several old keys, with spaces and in base64url', () => {
    const bytes = randomBytes(32);
    const env = { SECRETS_KEY: good, SECRETS_KEYS_OLD: `${good}, ${bytes.toString('base64url')} ,` };
    expect(readConfig(env).secretsKeysOld.map(({ id }) => id)).toEqual([
      readSecretsKey(good).id,
      readSecretsKey(bytes.toString('base64')).id,
    ]);
    expect(readConfig({}).secretsKey).toBeNull();
  });
});

describe('the key of a data folder', () => {
  let dataDir: string;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'forage-key-'));
  });
  afterAll(() => rm(dataDir, { recursive: true, force: true }));
  const config = () => ({ databaseUrl: null, dataDir, secretsKey: null, secretsKeysOld: [] });

  test('is created once, readable by its owner only', async () => {
    expect((await openKeyring(config(), { make: false })).current).toBeNull();
    const [one, other] = await Promise.all([
      openKeyring(config(), { make: true }),
      openKeyring({ ...config() }, { make: false }),
    ]);
    expect(one.current).not.toBeNull();
    expect([null, one.current]).toContain(other.current);
    expect((await openKeyring(config(), { make: true })).current).toBe(one.current);
    const file = join(dataDir, 'secrets.key');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(Buffer.from(await readFile(file, 'utf8'), 'base64')).toHaveLength(32);
  });

  test('still decrypts when SECRETS_KEY is set later, and is unused with DATABASE_URL', async () => {
    const before = await openKeyring(config(), { make: true });
    const encrypted = before.encrypt('secret', 'here');
    const secretsKey = made();
    const after = await openKeyring({ ...config(), secretsKey }, { make: true });
    expect(after.current).toBe(secretsKey.id);
    expect(after.decrypt(encrypted, 'here')).toBe('secret');
    const byUrl = await openKeyring({ ...config(), databaseUrl: 'postgres://x' }, { make: true });
    expect(byUrl.current).toBeNull();
  });

  test('stops the start if it is damaged, and is not replaced', async () => {
    const file = join(dataDir, 'secrets.key');
    await chmod(file, 0o600);
    await writeFile(file, 'damaged');
    await expect(openKeyring(config(), { make: true })).rejects.toThrow(ConfigError);
    expect(await readFile(file, 'utf8')).toBe('damaged');
  });
});
