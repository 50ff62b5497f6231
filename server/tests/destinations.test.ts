import { afterAll, describe, expect, test } from 'vitest';
import { decryptMetadata } from '#server/features/destinations/encrypted-metadata.ts';
import { stepBecomes } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { world } from './world.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const OTHER_SECRET = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
const WEBHOOK = { organisation: 'forage', name: 'webhook', version: 1n };
const NOOP = { organisation: 'forage', name: 'noop', version: 1n };

const app = await startTestApp();
afterAll(() => app.stop());
const w = await world(app);

let made = 0;
const name = () => `target-${++made}`;

const create = (change: object = {}) =>
  w.admin.destinations.createDestination({
    organisation: w.organisation,
    name: name(),
    environment: 'staging',
    type: NOOP,
    ...change,
  });

const find = async (wanted: string) => {
  const { destinations } = await w.author.destinations.getDestinations({ organisation: w.organisation });
  return destinations.find((destination) => destination.name === wanted);
};

/** The decrypted metadata; checks that the row has no secret unencrypted. */
const stored = async (wanted: string) => {
  const sql =
    'select id, metadata, secrets from destinations where name = $1 order by created_at desc limit 1';
  const row = (await app.context.db.pool.query(sql, [wanted])).rows[0];
  expect(JSON.stringify(row)).not.toContain('whsec_');
  return decryptMetadata(app.context.keyring, row.id, row);
};

describe('destination types', () => {
  test('are listed with their fields', async () => {
    const { types } = await w.author.destinations.listDestinationTypes({});
    expect(types.map((type) => `${type.organisation}/${type.name}@${type.version}`)).toEqual([
      'forage/noop@1',
      'forage/webhook@1',
    ]);
    expect(types[0]?.description).toContain('Deploys nothing');
    expect(types[1]?.fields.map((field) => [field.name, field.fieldType, field.required])).toEqual([
      ['url', 'url', true],
      ['secret', 'secret', true],
      ['timeout_seconds', 'number', false],
      ['plans', 'boolean', false],
      ['cancel_messages', 'boolean', false],
    ]);
  });
});

describe('destinations', () => {
  test('are created and listed with their type, page by page', async () => {
    const other = await world(app);
    const at = { organisation: other.organisation };
    const first = await other.author.destinations.getDestinations({ ...at, pageSize: 2 });
    expect(first.destinations.map((d) => [d.name, d.environment, d.type?.name])).toEqual([
      ['eu', 'staging', 'noop'],
      ['eu-west', 'production', 'noop'],
    ]);
    const rest = await other.author.destinations.getDestinations({ ...at, pageToken: first.nextPageToken });
    expect(rest.destinations.map((d) => d.name)).toEqual(['us-east']);
    expect(rest.destinations[0]?.type?.fields.length).toBeGreaterThan(0);
  });

  test.each([
    ['an unknown version', { type: { ...NOOP, version: 2n } }, ['type']],
    ['an unknown key', { metadata: { colour: 'red' } }, ['metadata["colour"]']],
    ['a key with a dot', { metadata: { 'a.b': 'red' } }, ['metadata["a.b"]']],
    ['a word for a number', { metadata: { seconds: 'ten' } }, ['metadata["seconds"]']],
    ['too large a number', { metadata: { seconds: '3601' } }, ['metadata["seconds"]']],
    ['an invalid boolean', { metadata: { fail: 'maybe' } }, ['metadata["fail"]']],
    ['missing fields', { type: WEBHOOK }, ['metadata["url"]', 'metadata["secret"]']],
  ])('are rejected with %s', async (_, change, fields) => {
    expect(await refusal(create(change))).toMatchObject({ code: 'InvalidArgument', fields });
  });

  test('never return a secret, and keep it in an update that omits it', async () => {
    const hook = name();
    const metadata = { url: 'https://deploy.example/hook', secret: SECRET };
    await create({ name: hook, type: WEBHOOK, metadata });
    expect((await find(hook))?.metadata).toEqual({ url: 'https://deploy.example/hook' });

    const update = (change: Record<string, string>) =>
      w.admin.destinations.updateDestination({ organisation: w.organisation, name: hook, metadata: change });
    await update({ url: 'https://deploy.example/other', timeout_seconds: '60', secret: '' });
    expect((await find(hook))?.metadata).toEqual({
      url: 'https://deploy.example/other',
      timeout_seconds: '60',
    });
    expect(await stored(hook)).toEqual({
      url: 'https://deploy.example/other',
      timeout_seconds: '60',
      secret: SECRET,
    });
    await update({ url: 'https://deploy.example/other', secret: OTHER_SECRET });
    expect(await stored(hook)).toEqual({ url: 'https://deploy.example/other', secret: OTHER_SECRET });
    expect(await refusal(update({ secret: SECRET }))).toMatchObject({ fields: ['metadata["url"]'] });

    await w.admin.destinations.deleteDestination({ organisation: w.organisation, name: hook });
    expect(await stored(hook)).toEqual({});
    const { rows } = await app.context.db.pool.query('select * from history where subject = $1', [hook]);
    expect(rows.map((row) => row.kind)).toEqual([
      'destination.created',
      'destination.updated',
      'destination.updated',
      'destination.deleted',
    ]);
    expect(JSON.stringify(rows)).not.toContain('whsec_');
    expect(rows[2].after.secretsChanged).toEqual(['secret']);
  });

  test('keep a grace period of 0 to 3,600 seconds until an update changes it', async () => {
    const hook = name();
    const graceOf = async () => (await find(hook))?.gracePeriodSeconds;
    const update = (gracePeriodSeconds?: number) =>
      w.admin.destinations.updateDestination({
        organisation: w.organisation,
        name: hook,
        metadata: {},
        ...(gracePeriodSeconds !== undefined && { gracePeriodSeconds }),
      });
    await create({ name: hook });
    expect(await graceOf()).toBeUndefined();
    await update(0);
    expect(await graceOf()).toBe(0);
    await update();
    expect(await graceOf()).toBe(0);
    expect(await refusal(update(3601))).toMatchObject({ fields: ['grace_period_seconds'] });
    await create({ name: `${hook}-2`, gracePeriodSeconds: 3600 });
    expect((await find(`${hook}-2`))?.gracePeriodSeconds).toBe(3600);
  });

  test('have a unique name, which can be used again after deletion', async () => {
    const twice = name();
    await create({ name: twice });
    expect(await refusal(create({ name: twice, environment: 'production' }))).toMatchObject({
      code: 'AlreadyExists',
    });
    await w.admin.destinations.deleteDestination({ organisation: w.organisation, name: twice });
    expect(await find(twice)).toBeUndefined();
    await create({ name: twice, environment: 'production' });
    expect((await find(twice))?.environment).toBe('production');
    const gone = w.admin.destinations.deleteDestination({ organisation: w.organisation, name: 'never-was' });
    expect(await refusal(gone)).toMatchObject({ code: 'NotFound' });
  });

  test('cannot be deleted while a release runs on them', async () => {
    const other = await world(app);
    const { organisation } = other;
    const metadata = { seconds: '3600' };
    await other.admin.destinations.updateDestination({ organisation, name: 'eu', metadata });
    const releaseIntentId = await other.releaseNew(['staging']);
    await stepBecomes(other, releaseIntentId, 'RUNNING');
    const remove = () => other.admin.destinations.deleteDestination({ organisation, name: 'eu' });
    expect(await refusal(remove())).toMatchObject({ code: 'FailedPrecondition' });
    await other.author.releases.cancelRelease({ releaseIntentId });
    await remove();
  });
});
