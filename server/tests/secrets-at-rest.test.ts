import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigError, readConfig } from '#server/config.ts';
import { keyIdOf } from '#server/secrets/keyring.ts';
import { makeDatabase, startTestApp, type TestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { answer, type Receiver, startReceiver } from './webhook-receiver.ts';
import { ended, type World, world } from './world.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const WEBHOOK = { organisation: 'forage', name: 'webhook', version: 1n };
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

let database: Awaited<ReturnType<typeof makeDatabase>>;
let target: Receiver;
let app: TestApp;
let w: World;
const start = (...by: Parameters<typeof keys>) =>
  startTestApp({ config: { databaseUrl: database.url, ...keys(...by) } });
/** The next server, at the address that people know. */
const startAgain = (...by: Parameters<typeof keys>) => {
  const port = Number(new URL(app.url).port);
  return startTestApp({ config: { databaseUrl: database.url, port, ...keys(...by) } });
};

beforeAll(async () => {
  database = await makeDatabase();
  target = await startReceiver(answer(200));
  app = await start(first);
  w = await world(app);
});
afterAll(async () => {
  await app?.stop();
  await target?.close();
  await database?.drop();
});

/** A destination in an environment of its own. */
async function hook(name: string, by = w) {
  const { organisation } = by;
  await by.admin.environments.createEnvironment({ organisation, name, sortOrder: 9 });
  const metadata = { url: target.url, secret: SECRET };
  await by.admin.destinations.createDestination({
    organisation,
    environment: name,
    name,
    type: WEBHOOK,
    metadata,
  });
}

const rowOf = async (name: string) => {
  const sql = 'select id, metadata, secrets from destinations where name = $1';
  const { rows } = await app.context.db.pool.query(sql, [name]);
  return rows[0] as { id: string; metadata: Record<string, string>; secrets: string | null };
};
const put = (name: string, metadata: object, secrets: string | null) =>
  app.context.db.pool.query('update destinations set metadata = $2::jsonb, secrets = $3 where name = $1', [
    name,
    JSON.stringify(metadata),
    secrets,
  ]);
/** Releases to the environment of that name, and gives how it went. */
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

test('the database holds no secret in the clear, and deliveries are signed with it all the same', async () => {
  await hook('sealed');
  const { metadata, secrets } = await rowOf('sealed');
  expect(metadata).toEqual({ url: target.url });
  expect(keyIdOf(secrets ?? '')).toBe(app.context.keyring.current);
  const dump = await app.context.db.pool.query('select row_to_json(d)::text as text from destinations d');
  expect(JSON.stringify(dump.rows)).not.toContain(SECRET.slice(6));
  expect(await deliver('sealed')).toBeFalsy();
  expect(target.received.at(-1)?.headers['webhook-signature']).toMatch(/^v1,/);
});

test('another destination’s secret opens nothing, and the release says so', async () => {
  await hook('mine');
  await hook('theirs');
  const stolen = await rowOf('theirs');
  await put('mine', (await rowOf('mine')).metadata, stolen.secrets);
  const before = target.received.length;
  expect(await deliver('mine', 3)).toMatch(/secrets of destination "mine" cannot be read.*give it new ones/);
  expect(target.received).toHaveLength(before);
  // The way out: a new one.
  const change = (metadata: Record<string, string>) =>
    w.admin.destinations.updateDestination({ organisation: w.organisation, name: 'mine', metadata });
  expect(await refusal(change({ url: target.url }))).toMatchObject({ fields: ['metadata["secret"]'] });
  await change({ url: target.url, secret: SECRET });
  expect(await deliver('mine')).toBeFalsy();
});

test('secrets of an earlier version are encrypted at the next start, by one of several servers', async () => {
  await put('sealed', { url: target.url, secret: SECRET }, null);
  await app.stop();
  const [one, other] = await Promise.all([startAgain(first), start(first)]);
  app = one;
  expect((await rowOf('sealed')).metadata).toEqual({ url: target.url });
  await other.stop();
  expect(await deliver('sealed')).toBeFalsy();
});

test('no start without the key, whether secrets are encrypted or still in the clear', async () => {
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

test('a server without a key and without secrets starts, and stores none in the clear', async () => {
  const without = await startTestApp({ config: keys(null) });
  try {
    const there = await world(without);
    const refused = await refusal(hook('nothing', there));
    expect(refused).toMatchObject({ code: 'FailedPrecondition' });
    expect(refused.words).toContain('SECRETS_KEY');
    const { destinations } = await there.admin.destinations.getDestinations({
      organisation: there.organisation,
    });
    expect(destinations.map(({ name }) => name)).not.toContain('nothing');
  } finally {
    await without.stop();
  }
});

test('rotation: each step of it leaves every server able to deliver', async () => {
  await app.stop();
  // The new key is known before it is used, then used, then alone.
  app = await startAgain(first, second);
  const next = await start(second, first);
  try {
    await next.context.db.ping();
    expect(await rotate(second, [first])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/: 3 destinations encrypted anew, 0 were already/),
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

test('a lost key: nothing is touched until it is asked for', async () => {
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
