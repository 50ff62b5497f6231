import { expect, test } from 'vitest';
import { ConfigError, readConfig } from './config.ts';

/** The one line that a start ends with. */
function refused(env: Record<string, string>): string {
  try {
    readConfig(env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error('it was not refused');
}

const SHAPE =
  "DATABASE_URL must be postgres://user:password@host:port/database, with '%', '#', '/', '?' and '@' in a password as %25, %23, %2F, %3F and %40";

test.each([
  [{ DATABASE_URL: 'localhost:5432/forage' }, SHAPE],
  [{ DATABASE_URL: 'postgres://forage:a#b@localhost/forage' }, SHAPE],
  [{ PUBLIC_URL: 'forage.example.com' }, 'PUBLIC_URL must be a URL that starts with http:// or https://'],
  [{ PUBLIC_URL: 'https://forage.example.com/?from=mail' }, 'PUBLIC_URL must be an address alone'],
  [{ PUBLIC_URL: 'https://forage.example.com/#here' }, 'PUBLIC_URL must be an address alone'],
  [{ PUBLIC_URL: 'https://me:secret@forage.example.com' }, 'PUBLIC_URL must be an address alone'],
  [{ METRICS_TOKEN: 'two words' }, 'METRICS_TOKEN must have no spaces'],
])('%j is refused in words', (env, words) => {
  const told = refused(env);
  expect(told).toContain(words);
  expect(told).not.toMatch(/a#b|secret|two words/);
});

test('what is right is taken', () => {
  expect(readConfig({ DATABASE_URL: 'postgresql://forage:a%23b@db/forage?sslmode=require' })).toMatchObject({
    databaseUrl: 'postgresql://forage:a%23b@db/forage?sslmode=require',
  });
  expect(readConfig({ PUBLIC_URL: 'https://forage.example.com/', METRICS_TOKEN: 'one-word' })).toMatchObject({
    publicUrl: 'https://forage.example.com',
    metricsToken: 'one-word',
  });
});
