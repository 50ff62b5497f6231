import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PolicyService, PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { startTestApp, type TestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { ended, type World, world } from './world.ts';

let app: TestApp;
let w: World;
beforeAll(async () => {
  app = await startTestApp();
  w = await world(app);
});
afterAll(() => app.stop());

const create = (name: string, more: { description?: string; sortOrder?: number } = {}) =>
  w.admin.environments.createEnvironment({ organisation: w.organisation, name, ...more });

describe('environments', () => {
  test('are created, found by id and by name, and listed in order, page by page', async () => {
    const other = await world(app);
    const at = { organisation: other.organisation };
    const made = await other.admin.environments.createEnvironment({
      ...at,
      name: 'canary',
      description: 'a few users',
      sortOrder: -1,
    });
    const id = made.environment?.id ?? '';
    expect(made.environment).toMatchObject({
      ...at,
      name: 'canary',
      description: 'a few users',
      sortOrder: -1,
    });
    const { environments } = other.author;
    const byId = await environments.getEnvironment({ identifier: { case: 'id', value: id } });
    const lookup = { case: 'lookup', value: { ...at, name: 'canary' } } as const;
    const byName = await environments.getEnvironment({ identifier: lookup });
    expect(byId.environment).toEqual(made.environment);
    expect(byName.environment).toEqual(made.environment);

    const first = await environments.listEnvironments({ ...at, pageSize: 2 });
    expect(first.environments.map((e) => e.name)).toEqual(['canary', 'staging']);
    const rest = await environments.listEnvironments({ ...at, pageSize: 2, pageToken: first.nextPageToken });
    expect(rest.environments.map((e) => e.name)).toEqual(['production']);
    expect(rest.nextPageToken).toBe('');
  });

  test('have a name of their own in the organisation', async () => {
    await create('twice');
    expect(await refusal(create('twice'))).toMatchObject({ code: 'AlreadyExists' });
    expect((await refusal(create('twice'))).words).toContain('environment "twice" exists already');
    expect(await refusal(create('no spaces please'))).toMatchObject({ code: 'InvalidArgument' });
  });

  test('change their description and place, and keep what is not given', async () => {
    const { environment } = await create('changing', { description: 'one', sortOrder: 5 });
    const id = environment?.id ?? '';
    await w.admin.environments.updateEnvironment({ id, sortOrder: 7 });
    const { environment: after } = await w.admin.environments.updateEnvironment({ id, description: 'two' });
    expect(after).toMatchObject({ description: 'two', sortOrder: 7 });
    const history = await w.author.policies.listHistory({ organisation: w.organisation });
    expect(history.entries.slice(0, 3).map((entry) => entry.kind)).toEqual([
      'environment.updated',
      'environment.updated',
      'environment.created',
    ]);
  });

  test('are changed by admins only, and hidden from other organisations', async () => {
    const { environment } = await create('walled');
    const id = environment?.id ?? '';
    const stranger = (await world(app)).admin;
    const { organisation } = w;
    expect(await refusal(w.author.environments.createEnvironment({ organisation, name: 'x' }))).toMatchObject(
      {
        code: 'PermissionDenied',
      },
    );
    for (const call of [
      () => stranger.environments.createEnvironment({ organisation, name: 'x' }),
      () => stranger.environments.listEnvironments({ organisation }),
      () => stranger.environments.getEnvironment({ identifier: { case: 'id', value: id } }),
      () => stranger.environments.updateEnvironment({ id, sortOrder: 1 }),
      () => stranger.environments.deleteEnvironment({ id }),
    ]) {
      expect(await refusal(call())).toMatchObject({ code: 'NotFound' });
    }
    expect(
      await refusal(w.author.environments.getEnvironment({ identifier: { case: 'id', value: 'nonsense' } })),
    ).toMatchObject({ code: 'InvalidArgument' });
  });

  test('are deleted when nothing speaks of them', async () => {
    const { environment } = await create('unused');
    await w.admin.environments.deleteEnvironment({ id: environment?.id ?? '' });
    const again = await create('unused');
    expect(again.environment?.name).toBe('unused');
  });

  test('are kept while destinations, policies, pipelines or waiting releases use them', async () => {
    const [source, target] = ['used-source', 'used-target'];
    const ids = new Map<string, string>();
    for (const name of [source, target]) {
      const { environment } = await create(name);
      ids.set(name, environment?.id ?? '');
    }
    const remove = (name: string) => w.admin.environments.deleteEnvironment({ id: ids.get(name) ?? '' });
    const { organisation, project } = w;
    const policies = app.client(PolicyService, { token: w.admin.token });

    await policies.createPolicy({
      project,
      name: 'soak',
      policyType: PolicyType.SOAK_TIME,
      config: {
        case: 'soakTime',
        value: { sourceEnvironment: source, targetEnvironment: target, durationSeconds: 60n },
      },
    });
    await policies.updatePolicy({ project, name: 'soak', enabled: false });
    for (const name of [source, target]) {
      const refused = await refusal(remove(name));
      expect(refused).toMatchObject({ code: 'FailedPrecondition' });
      expect(refused.words).toContain('policy "soak" of project "checkout"');
    }
    await policies.deletePolicy({ project, name: 'soak' });

    await w.admin.pipelines.createReleasePipeline({
      project,
      name: 'uses',
      stages: [{ id: 'go', config: { case: 'deploy', value: { environment: target } } }],
    });
    expect((await refusal(remove(target))).words).toContain('pipeline "uses" of project "checkout"');
    await w.admin.pipelines.deleteReleasePipeline({ project, name: 'uses' });

    const type = { organisation: 'forage', name: 'noop', version: 1n };
    await w.admin.destinations.createDestination({ organisation, name: 'there', environment: target, type });
    expect((await refusal(remove(target))).words).toContain('destination "there"');
    const policy = await w.approvalPolicy(1, target);
    const releaseIntentId = await w.release((await w.artifact()).artifactId, [target]);
    await policies.deletePolicy({ project, name: policy });
    await ended(w, releaseIntentId);
    await w.admin.destinations.deleteDestination({ organisation, name: 'there' });
    // What happened there stays readable; the environment itself can go.
    await remove(target);
    const { artifact } = await w.author.releases.getArtifactsByProject({ project });
    expect(artifact[0]?.destinations).toMatchObject([
      { name: 'there', environment: target, status: 'SUCCEEDED' },
    ]);

    await w.admin.destinations.createDestination({ organisation, name: 'here', environment: source, type });
    const blocker = await w.approvalPolicy(1, source);
    const waiting = await w.release((await w.artifact()).artifactId, [source]);
    await w.admin.destinations.deleteDestination({ organisation, name: 'here' });
    expect((await refusal(remove(source))).words).toContain(
      'a release of project "checkout" that has not ended',
    );
    await w.author.releases.cancelRelease({ releaseIntentId: waiting });
    await policies.deletePolicy({ project, name: blocker });
    await remove(source);
  });

  test('refuse a page token of another list', async () => {
    const token = (keys: string[]) => Buffer.from(JSON.stringify(keys)).toString('base64url');
    for (const pageToken of [
      token(['x']),
      token(['1']),
      token(['99999999999', 'a']),
      token([]),
      'ä',
      'eyJ',
    ]) {
      const call = w.author.environments.listEnvironments({ organisation: w.organisation, pageToken });
      expect(await refusal(call)).toMatchObject({ code: 'InvalidArgument', fields: ['page_token'] });
    }
  });
});
