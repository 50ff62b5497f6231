import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openMetadata } from '#server/features/destinations/sealed-metadata.ts';
import { startTestApp, type TestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { ended, stateOf, type World, world } from './world.ts';

const SECRET = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const OTHER_SECRET = `whsec_${Buffer.alloc(32, 8).toString('base64')}`;
const WEBHOOK = { organisation: 'forage', name: 'webhook', version: 1n };
const NOOP = { organisation: 'forage', name: 'noop', version: 1n };

let app: TestApp;
let w: World;
beforeAll(async () => {
  app = await startTestApp();
  w = await world(app);
});
afterAll(() => app.stop());

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

/** The metadata with its secrets, which the database itself does not show. */
const stored = async (wanted: string) => {
  const sql =
    'select id, metadata, secrets from destinations where name = $1 order by created_at desc limit 1';
  const row = (await app.context.db.pool.query(sql, [wanted])).rows[0];
  expect(JSON.stringify(row)).not.toContain('whsec_');
  return openMetadata(app.context.keyring, row.id, row);
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
    ['an unknown type', { type: { ...NOOP, name: 'magic' } }, ['type']],
    ['an unknown version', { type: { ...NOOP, version: 2n } }, ['type']],
    ['an unknown environment', { environment: 'nowhere' }, ['environment']],
    ['an unknown key', { metadata: { colour: 'red' } }, ['metadata["colour"]']],
    ['a key with a dot', { metadata: { 'a.b': 'red' } }, ['metadata["a.b"]']],
    ['a number in words', { metadata: { seconds: 'ten' } }, ['metadata["seconds"]']],
    ['too large a number', { metadata: { seconds: '3601' } }, ['metadata["seconds"]']],
    ['no boolean', { metadata: { fail: 'maybe' } }, ['metadata["fail"]']],
    ['missing fields', { type: WEBHOOK }, ['metadata["url"]', 'metadata["secret"]']],
    ['no address', { type: WEBHOOK, metadata: { url: 'deploy', secret: SECRET } }, ['metadata["url"]']],
  ])('are refused with %s', async (_, change, fields) => {
    expect(await refusal(create(change))).toMatchObject({ code: 'InvalidArgument', fields });
  });

  test('never answer a secret, and keep it through an update that leaves it out', async () => {
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

  test('have a name of their own, which is free again after deletion', async () => {
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

  test('are changed by admins only, and hidden from other organisations', async () => {
    const stranger = (await world(app)).admin;
    const target = { organisation: w.organisation, name: 'eu' };
    for (const [caller, code] of [
      [w.author, 'PermissionDenied'],
      [stranger, 'NotFound'],
    ] as const) {
      const { destinations } = caller;
      const fresh = { ...target, name: name(), environment: 'staging', type: NOOP };
      expect(await refusal(destinations.createDestination(fresh))).toMatchObject({ code });
      expect(await refusal(destinations.updateDestination(target))).toMatchObject({ code });
      expect(await refusal(destinations.deleteDestination(target))).toMatchObject({ code });
    }
    const seen = stranger.destinations.getDestinations({ organisation: w.organisation });
    expect(await refusal(seen)).toMatchObject({ code: 'NotFound' });
  });

  test('are not deleted under a release, and go when it has ended', async () => {
    const other = await world(app);
    const { organisation } = other;
    await other.admin.destinations.updateDestination({
      organisation,
      name: 'eu',
      metadata: { seconds: '3600' },
    });
    const releaseIntentId = await other.release((await other.artifact()).artifactId, ['staging']);
    await expect.poll(async () => (await stateOf(other, releaseIntentId)).steps[0]?.status).toBe('RUNNING');
    const remove = () => other.admin.destinations.deleteDestination({ organisation, name: 'eu' });
    expect(await refusal(remove())).toMatchObject({ code: 'FailedPrecondition' });
    await other.author.releases.cancelRelease({ releaseIntentId });
    await remove();
  });

  test('decide over a soak: a release that waits is looked at again when one is added or removed', async () => {
    const other = await world(app);
    const { organisation, project } = other;
    await other.admin.policies.createPolicy({
      project,
      name: 'soak',
      policyType: 1,
      config: {
        case: 'soakTime',
        value: { sourceEnvironment: 'staging', targetEnvironment: 'production', durationSeconds: 1n },
      },
    });
    await other.admin.destinations.createDestination({
      organisation,
      name: 'eu-two',
      environment: 'staging',
      type: NOOP,
      metadata: { fail: 'true' },
    });
    const { artifactId } = await other.artifact();
    await ended(other, await other.release(artifactId, ['staging']), 3);
    const waiting = await other.release(artifactId, ['production']);
    await expect.poll(async () => (await stateOf(other, waiting)).stages[0]?.reason).toContain('eu-two');
    await other.admin.destinations.deleteDestination({ organisation, name: 'eu-two' });
    await ended(other, waiting);
  });
});
