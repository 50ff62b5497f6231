import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, expect, test } from 'vitest';
import { ConfigError, readConfig } from '#server/config.ts';
import { keyIdOf } from '#server/secrets/keyring.ts';
import { makeDatabase, startTestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { answer, startReceiver } from './webhook-receiver.ts';
import { ended, world } from './world.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const key = () => randomBytes(32).toString('base64');
const first = key();
const second = key();
const keys = (current: string | null, ...old: readonly string[]) => {
  const { secretsKey, secretsKeysOld } = readConfig({
    SECRETS_KEY: current ?? '',
    SECRETS_KEYS_OLD: old.join(','),
  });
  return { secretsKey, secretsKeysOld };
};

const database = await makeDatabase();
const target = await startReceiver(answer(200));
const startAt = (port: number, ...by: Parameters<typeof keys>) =>
  startTestApp({ config: { databaseUrl: database.url, port, ...keys(...by) } });
const start = (...by: Parameters<typeof keys>) => startAt(0, ...by);
/** The next server, at the same address. */
const startAgain = (...by: Parameters<typeof keys>) => startAt(Number(new URL(app.url).port), ...by);

let app = await start(first);
const w = await world(app);
afterAll(async () => {
  await app.stop();
  await target.close();
  await database.drop();
});

/** A destination in an environment of its own. */
async function hook(name: string, by = w) {
  const { organisation } = by;
  await by.admin.environments.createEnvironment({ organisation, name, sortOrder: 9 });
  await by.destination(name, name, { url: target.url, secret: SECRET }, 'webhook');
}

const rowOf = async (name: string) => {
  const sql = 'select id, metadata, secrets from destinations where name = $1';
  const { rows } = await app.context.db.pool.query(sql, [name]);
  return rows[0] as { id: string; metadata: Record<string, string>; secrets: string | null };
};
const put = (name: string, metadata: object, secrets: string | null) => {
  const sql = 'update destinations set metadata = $2::jsonb, secrets = $3 where name = $1';
  return app.context.db.pool.query(sql, [name, JSON.stringify(metadata), secrets]);
};
/** Releases to the environment of that name. Returns the error of its step. */
async function deliver(name: string, status?: Parameters<typeof ended>[2]) {
  const releaseIntentId = await w.release((await w.artifact()).artifactId, [name]);
  const { steps } = await ended(w, releaseIntentId, status);
  return steps[0]?.errorMessage;
}
const rotate = async (current: string, old: readonly string[], ...options: readonly string[]) => {
  const env = {
    ...process.env,
    DATABASE_URL: database.url,
    SECRETS_KEY: current,
    SECRETS_KEYS_OLD: old.join(','),
  };
  return promisify(execFile)(process.execPath, ['scripts/rotate-secrets.ts', ...options], { env }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  );
};

test('stores secrets encrypted and signs deliveries with them', async () => {
  await hook('sealed');
  const { metadata, secrets } = await rowOf('sealed');
  expect(metadata).toEqual({ url: target.url });
  expect(keyIdOf(secrets ?? '')).toBe(app.context.keyring.current);
  const dump = await app.context.db.pool.query('select row_to_json(d)::text as text from destinations d');
  expect(JSON.stringify(dump.rows)).not.toContain(SECRET.slice(6));
  expect(await deliver('sealed')).toBeFalsy();
  expect(target.received.at(-1)?.headers['webhook-signature']).toMatch(/^v1,/);
});

test('refuses a secret that was copied from another destination, with a message on the release', async () => {
  await hook('mine');
  await hook('theirs');
  const stolen = await rowOf('theirs');
  await put('mine', (await rowOf('mine')).metadata, stolen.secrets);
  const before = target.received.length;
  expect(await deliver('mine', 3)).toMatch(/secrets of destination "mine" cannot be read.*enter them again/);
  expect(target.received).toHaveLength(before);
  // A new secret repairs it.
  const change = (metadata: Record<string, string>) =>
    w.admin.destinations.updateDestination({ organisation: w.organisation, name: 'mine', metadata });
  expect(await refusal(change({ url: target.url }))).toMatchObject({ fields: ['metadata["secret"]'] });
  await change({ url: target.url, secret: SECRET });
  expect(await deliver('mine')).toBeFalsy();
});

test('encrypts the secrets of an earlier version at the next start, once among several servers', async () => {
  await put('sealed', { url: target.url, secret: SECRET }, null);
  await app.stop();
  const [one, other] = await Promise.all([startAgain(first), start(first)]);
  app = one;
  expect((await rowOf('sealed')).metadata).toEqual({ url: target.url });
  await other.stop();
  expect(await deliver('sealed')).toBeFalsy();
});

test('refuses to start without the key when there are secrets', async () => {
  await expect(start(null)).rejects.toThrow(/^SECRETS_KEY is not set/);
  await expect(start(second)).rejects.toThrow(/^SECRETS_KEY is key .* encrypted with key /);
  await expect(start(second)).rejects.toThrow(ConfigError);
  const sealed = await app.context.db.pool.query('select id, metadata, secrets from destinations');
  await app.context.db.pool.query('update destinations set secrets = null');
  await put('sealed', { url: target.url, secret: SECRET }, null);
  await expect(start(null)).rejects.toThrow(/^SECRETS_KEY must be set/);
  expect((await rowOf('sealed')).metadata.secret).toBe(SECRET);
  for (const { id, metadata, secrets } of sealed.rows) {
    const sql = 'update destinations set metadata = $2::jsonb, secrets = $3 where id = $1';
    await app.context.db.pool.query(sql, [id, JSON.stringify(metadata), secrets]);
  }
});

test('starts without a key when there are no secrets, and stores none unencrypted', async () => {
  const without = await startTestApp({ config: keys(null) });
  try {
    const there = await world(without);
    const refused = await refusal(hook('nothing', there));
    expect(refused).toMatchObject({ code: 'FailedPrecondition' });
    expect(refused.message).toContain('SECRETS_KEY');
    const { organisation } = there;
    const { destinations } = await there.admin.destinations.getDestinations({ organisation });
    expect(destinations.map(({ name }) => name)).not.toContain('nothing');
  } finally {
    await without.stop();
  }
});

test('delivers from every server in each step of a rotation', async () => {
  await app.stop();
  // The new key is added, then used, then the only one.
  app = await startAgain(first, second);
  const next = await start(second, first);
  try {
    await next.context.db.ping();
    expect(await rotate(second, [first])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/: re-encrypted 3 destinations, 0 already used it/),
    });
    expect(await deliver('sealed')).toBeFalsy();
  } finally {
    await next.stop();
  }
  await app.stop();
  app = await startAgain(second);
  expect(await deliver('sealed')).toBeFalsy();
  expect(await rotate(second, [])).toMatchObject({ stdout: expect.stringContaining('0 destinations') });
});

test('changes nothing after a lost key until that is requested', async () => {
  const third = key();
  const refused = await rotate(third, []);
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining(`${w.organisation}/sealed`) });
  expect(`${refused.stdout}${refused.stderr}`).not.toContain(third);
  expect((await rowOf('sealed')).secrets).not.toBeNull();
  expect(await rotate(third, [], '--forget')).toMatchObject({ code: 0 });
  expect((await rowOf('sealed')).secrets).toBeNull();
  await app.stop();
  app = await startAgain(third);
  expect(await deliver('sealed', 3)).toBeTruthy();
});
