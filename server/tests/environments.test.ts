import { afterAll, expect, test } from 'vitest';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { deployStage } from './gate-world.ts';
import { startTestApp } from './harness.ts';
import { refusal } from './refusal.ts';
import { ended, world } from './world.ts';

const app = await startTestApp();
afterAll(() => app.stop());
const w = await world(app);

const create = (name: string, more: { description?: string; sortOrder?: number } = {}) =>
  w.admin.environments.createEnvironment({ organisation: w.organisation, name, ...more });

test('environments are created, found by id and by name, and listed in order, page by page', async () => {
  const other = await world(app);
  const at = { organisation: other.organisation };
  const fields = { ...at, name: 'canary', description: 'a few users', sortOrder: -1 };
  const { environment } = await other.admin.environments.createEnvironment(fields);
  expect(environment).toMatchObject(fields);
  const { environments } = other.author;
  const byId = await environments.getEnvironment({
    identifier: { case: 'id', value: environment?.id ?? '' },
  });
  const lookup = { case: 'lookup', value: { ...at, name: 'canary' } } as const;
  const byName = await environments.getEnvironment({ identifier: lookup });
  expect(byId.environment).toEqual(environment);
  expect(byName.environment).toEqual(environment);

  const first = await environments.listEnvironments({ ...at, pageSize: 2 });
  expect(first.environments.map((e) => e.name)).toEqual(['canary', 'staging']);
  const rest = await environments.listEnvironments({ ...at, pageSize: 2, pageToken: first.nextPageToken });
  expect(rest.environments.map((e) => e.name)).toEqual(['production']);
  expect(rest.nextPageToken).toBe('');
});

test('environments have a unique name in the organisation', async () => {
  await create('twice');
  expect(await refusal(create('twice'))).toMatchObject({ code: 'AlreadyExists' });
  expect((await refusal(create('twice'))).message).toContain('Environment "twice" already exists');
  expect(await refusal(create('no spaces please'))).toMatchObject({ code: 'InvalidArgument' });
});

test('environments change their description and order, and keep absent fields', async () => {
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

test('environments cannot be deleted while anything uses them, and free their name', async () => {
  const [source, target] = ['used-source', 'used-target'];
  const ids = new Map<string, string>();
  for (const name of [source, target]) {
    const { environment } = await create(name);
    ids.set(name, environment?.id ?? '');
  }
  const remove = (name: string) => w.admin.environments.deleteEnvironment({ id: ids.get(name) ?? '' });
  const { organisation, project } = w;
  const { policies } = w.admin;

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
    expect(refused.message).toContain('policy "soak" of project "checkout"');
  }
  await policies.deletePolicy({ project, name: 'soak' });

  await w.pipeline('uses', deployStage('go', target));
  expect((await refusal(remove(target))).message).toContain('pipeline "uses" of project "checkout"');
  await w.admin.pipelines.deleteReleasePipeline({ project, name: 'uses' });

  await w.destination('there', target);
  expect((await refusal(remove(target))).message).toContain('destination "there"');
  const policy = await w.approvalPolicy(1, target);
  const releaseIntentId = await w.releaseNew([target]);
  await policies.deletePolicy({ project, name: policy });
  await ended(w, releaseIntentId);
  await w.admin.destinations.deleteDestination({ organisation, name: 'there' });
  // Past deployments keep the environment's name.
  await remove(target);
  const { artifact } = await w.author.releases.getArtifactsByProject({ project });
  expect(artifact[0]?.destinations).toMatchObject([
    { name: 'there', environment: target, status: 'SUCCEEDED' },
  ]);

  await w.destination('here', source);
  const blocker = await w.approvalPolicy(1, source);
  const waiting = await w.releaseNew([source]);
  await w.admin.destinations.deleteDestination({ organisation, name: 'here' });
  expect((await refusal(remove(source))).message).toContain('an active release of project "checkout"');
  await w.author.releases.cancelRelease({ releaseIntentId: waiting });
  await policies.deletePolicy({ project, name: blocker });
  await remove(source);
  await create(source);
});
