import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { aimAt } from './aim.ts';
import { type Aim, everyMethod, nameOf, post, requestsFor } from './every-method.ts';
import { startTestApp, type TestApp } from './harness.ts';
import { fieldsOf, pathByName, requireWords, rowsOf } from './raw-refusals.ts';
import type { World } from './world.ts';

let app: TestApp;
let w: World;
let aim: Aim;
let requests: Readonly<Record<string, JsonObject>>;
beforeAll(async () => {
  app = await startTestApp();
  ({ w, aim } = await aimAt(app));
  requests = requestsFor(aim, 'bad');
});
afterAll(() => app.stop());

const as = () => ({ authorization: `Bearer ${w.admin.token}` });

/** Changes of a request; undefined leaves a field out. */
type Changes = Readonly<Record<string, JsonValue | undefined>>;

/** A method's good request with changes, as JSON. */
const send = (name: string, changes: Changes = {}, headers: Record<string, string> = {}) =>
  post(app, pathByName(name), JSON.stringify({ ...requests[name], ...changes }), { ...as(), ...headers });

describe('what breaks a rule', () => {
  let before: Record<string, number>;
  beforeEach(async () => {
    before = await rowsOf(app);
  });
  afterEach(async () => expect(await rowsOf(app)).toEqual(before));

  const project = () => ({ ...aim.project });
  const deploy = (environment: string) => ({ deploy: { environment } });
  const soak = (changes: JsonObject) => ({
    approval: undefined,
    policyType: 'POLICY_TYPE_SOAK_TIME',
    soakTime: {
      sourceEnvironment: 'staging',
      targetEnvironment: 'production',
      durationSeconds: '60',
      ...changes,
    },
  });
  const branch = (branchPattern: string) => ({
    approval: undefined,
    policyType: 'POLICY_TYPE_BRANCH_RESTRICTION',
    branchRestriction: { targetEnvironment: 'production', branchPattern },
  });
  const approval = (targetEnvironment: string, requiredApprovals: JsonValue) => ({
    approval: { targetEnvironment, requiredApprovals },
  });

  const CASES: readonly (readonly [about: string, name: string, changes: () => Changes, field: string])[] = [
    ['no project', 'PolicyService.CreatePolicy', () => ({ project: null }), 'project'],
    ['an empty name', 'PolicyService.CreatePolicy', () => ({ name: '' }), 'name'],
    ['a name of spaces', 'PolicyService.CreatePolicy', () => ({ name: '   ' }), 'name'],
    ['a long name', 'PolicyService.CreatePolicy', () => ({ name: 'x'.repeat(101) }), 'name'],
    ['a NUL in a name', 'PolicyService.CreatePolicy', () => ({ name: 'a\0b' }), 'name'],
    ['a control character', 'PolicyService.CreatePolicy', () => ({ name: 'a\x1bb' }), 'name'],
    ['half a surrogate pair', 'PolicyService.CreatePolicy', () => ({ name: 'a\ud83d' }), 'name'],
    ['no type', 'PolicyService.CreatePolicy', () => ({ policyType: 0 }), 'policy_type'],
    ['an unknown type', 'PolicyService.CreatePolicy', () => ({ policyType: 99 }), 'policy_type'],
    ['no config', 'PolicyService.CreatePolicy', () => ({ approval: undefined }), 'config'],
    ['another type’s config', 'PolicyService.CreatePolicy', () => ({ policyType: 1 }), 'soak_time'],
    ['0 approvals', 'PolicyService.CreatePolicy', () => approval('qa', 0), 'approval.required_approvals'],
    ['-1 approvals', 'PolicyService.CreatePolicy', () => approval('qa', -1), 'approval.required_approvals'],
    ['101 approvals', 'PolicyService.CreatePolicy', () => approval('qa', 101), 'approval.required_approvals'],
    [
      'no such environment',
      'PolicyService.CreatePolicy',
      () => approval('moon', 1),
      'approval.target_environment',
    ],
    [
      'its case',
      'PolicyService.CreatePolicy',
      () => approval('Production', 1),
      'approval.target_environment',
    ],
    [
      'no duration',
      'PolicyService.CreatePolicy',
      () => soak({ durationSeconds: '0' }),
      'soak_time.duration_seconds',
    ],
    [
      'a negative one',
      'PolicyService.CreatePolicy',
      () => soak({ durationSeconds: '-1' }),
      'soak_time.duration_seconds',
    ],
    [
      'the longest int64',
      'PolicyService.CreatePolicy',
      () => soak({ durationSeconds: '9223372036854775807' }),
      'soak_time.duration_seconds',
    ],
    [
      'an unknown source',
      'PolicyService.CreatePolicy',
      () => soak({ sourceEnvironment: 'moon' }),
      'soak_time.source_environment',
    ],
    [
      'source is target',
      'PolicyService.CreatePolicy',
      () => soak({ sourceEnvironment: 'production' }),
      'soak_time',
    ],
    [
      'a pattern that is none',
      'PolicyService.CreatePolicy',
      () => branch('('),
      'branch_restriction.branch_pattern',
    ],
    [
      'a look-behind',
      'PolicyService.CreatePolicy',
      () => branch('(?<=a)b'),
      'branch_restriction.branch_pattern',
    ],
    [
      'a back reference',
      'PolicyService.CreatePolicy',
      () => branch('(a)\\1'),
      'branch_restriction.branch_pattern',
    ],
    [
      'a huge repeat',
      'PolicyService.CreatePolicy',
      () => branch('((a{100}){100}){100}'),
      'branch_restriction.branch_pattern',
    ],
    ['an empty pattern', 'PolicyService.CreatePolicy', () => branch(''), 'branch_restriction.branch_pattern'],
    [
      'a long pattern',
      'PolicyService.CreatePolicy',
      () => branch('a'.repeat(501)),
      'branch_restriction.branch_pattern',
    ],
    [
      'an update to another type',
      'PolicyService.UpdatePolicy',
      () => ({ ...branch('^main$'), policyType: undefined }),
      'branch_restriction',
    ],
    [
      'an id that is none',
      'PolicyService.ApproveRelease',
      () => ({ releaseIntentId: 'x' }),
      'release_intent_id',
    ],
    ['an empty id', 'PolicyService.ApproveRelease', () => ({ releaseIntentId: '' }), 'release_intent_id'],
    [
      'an id with a tail',
      'PolicyService.ApproveRelease',
      () => ({ releaseIntentId: `${aim.intentId}\n` }),
      'release_intent_id',
    ],
    ['a long comment', 'PolicyService.ApproveRelease', () => ({ comment: 'x'.repeat(2_001) }), 'comment'],
    ['a NUL in a comment', 'PolicyService.ApproveRelease', () => ({ comment: 'a\0' }), 'comment'],
    ['half a pair in a comment', 'PolicyService.RejectRelease', () => ({ comment: '\udc00' }), 'comment'],
    [
      'a bypass without a reason',
      'PolicyService.ApproveRelease',
      () => ({ forceBypass: true, comment: ' ' }),
      'comment',
    ],
    [
      'an environment with a line end',
      'PolicyService.ApproveRelease',
      () => ({ targetEnvironment: 'production\n' }),
      'target_environment',
    ],
    ['no stages', 'ReleasePipelineService.CreateReleasePipeline', () => ({ stages: [] }), 'stages'],
    [
      '101 stages',
      'ReleasePipelineService.CreateReleasePipeline',
      () => ({ stages: Array.from({ length: 101 }, (_, i) => ({ id: `s${i}`, ...deploy('qa') })) }),
      'stages',
    ],
    [
      'a stage of nothing',
      'ReleasePipelineService.CreateReleasePipeline',
      () => ({ stages: [{ id: 'a' }] }),
      'stages[0].config',
    ],
    [
      'a stage for itself',
      'ReleasePipelineService.CreateReleasePipeline',
      () => ({ stages: [{ id: 'a', dependsOn: ['a'], ...deploy('qa') }] }),
      'stages[0].depends_on',
    ],
    [
      'a circle',
      'ReleasePipelineService.CreateReleasePipeline',
      () => ({
        stages: [
          { id: 'a', dependsOn: ['b'], ...deploy('qa') },
          { id: 'b', dependsOn: ['a'], ...deploy('qa') },
        ],
      }),
      'stages',
    ],
    [
      'an unknown stage',
      'ReleasePipelineService.CreateReleasePipeline',
      () => ({ stages: [{ id: 'a', dependsOn: ['b'], ...deploy('qa') }] }),
      'stages[0].depends_on',
    ],
    [
      'the same id twice',
      'ReleasePipelineService.CreateReleasePipeline',
      () => ({
        stages: [
          { id: 'a', ...deploy('qa') },
          { id: 'a', ...deploy('qa') },
        ],
      }),
      'stages[0].id',
    ],
    [
      'an unknown place',
      'ReleasePipelineService.CreateReleasePipeline',
      () => ({ stages: [{ id: 'a', ...deploy('moon') }] }),
      'stages[0].deploy.environment',
    ],
    [
      'an endless wait',
      'ReleasePipelineService.CreateReleasePipeline',
      () => ({ stages: [{ id: 'a', wait: { durationSeconds: '9223372036854775807' } }] }),
      'stages[0].wait.duration_seconds',
    ],
    [
      'half a pair deep inside',
      'ReleasePipelineService.CreateReleasePipeline',
      () => ({ stages: [{ id: 'a', dependsOn: ['\ud800'], ...deploy('qa') }] }),
      'depends_on',
    ],
    [
      'an update to nothing',
      'ReleasePipelineService.UpdateReleasePipeline',
      () => ({ updateStages: true }),
      'stages',
    ],
    [
      'a title too long',
      'ReleaseService.AnnotateRelease',
      () => ({ context: { title: 'x'.repeat(501) } }),
      'context.title',
    ],
    ['no title', 'ReleaseService.AnnotateRelease', () => ({ context: {} }), 'context.title'],
    ['no ref', 'ReleaseService.AnnotateRelease', () => ({ ref: null }), 'ref'],
    [
      'a commit with a space',
      'ReleaseService.AnnotateRelease',
      () => ({ ref: { commitSha: 'a b' } }),
      'ref.commit_sha',
    ],
    [
      'a script for a link',
      'ReleaseService.AnnotateRelease',
      () => ({ context: { title: 'x', web: 'javascript:alert(1)' } }),
      'context.web',
    ],
    [
      'a source that is no id',
      'ReleaseService.AnnotateRelease',
      () => ({ source: { userId: 'somebody' } }),
      'source.user_id',
    ],
    [
      'a source who is no member',
      'ReleaseService.AnnotateRelease',
      () => ({ source: { userId: aim.artifactId } }),
      'source.user_id',
    ],
    [
      'half a pair in metadata',
      'ReleaseService.AnnotateRelease',
      () => ({ metadata: { a: '\ud800' } }),
      'metadata',
    ],
    ['a NUL in metadata', 'ReleaseService.AnnotateRelease', () => ({ metadata: { 'a\0': 'b' } }), 'metadata'],
    ['nowhere to go', 'ReleaseService.Release', () => ({ environments: [] }), 'environments'],
    ['a pipeline and a place', 'ReleaseService.Release', () => ({ usePipeline: true }), 'use_pipeline'],
    ['a pipeline without using one', 'ReleaseService.Release', () => ({ pipeline: 'planned' }), 'pipeline'],
    [
      'the same place twice',
      'ReleaseService.Release',
      () => ({ environments: ['qa', 'qa'] }),
      'environments',
    ],
    ['no type of destination', 'DestinationService.CreateDestination', () => ({ type: null }), 'type'],
    [
      'a type nobody knows',
      'DestinationService.CreateDestination',
      () => ({ type: { organisation: 'a', name: 'b', version: '18446744073709551615' } }),
      'type',
    ],
    [
      'metadata nobody asked for',
      'DestinationService.CreateDestination',
      () => ({ metadata: { nonsense: 'x' } }),
      'metadata',
    ],
    [
      'a place that is none',
      'DestinationService.CreateDestination',
      () => ({ environment: 'moon' }),
      'environment',
    ],
    ['a role nobody knows', 'OrganisationService.AddMember', () => ({ role: 'owner' }), 'role'],
    ['a short password', 'UsersService.Register', () => ({ username: 'new', password: 'short' }), 'password'],
    [
      'an address that is none',
      'UsersService.Register',
      () => ({ username: 'new', email: 'nobody' }),
      'email',
    ],
    [
      'a scope nobody knows',
      'UsersService.CreatePersonalAccessToken',
      () => ({ userId: w.admin.userId, scopes: ['root'] }),
      'scopes',
    ],
    [
      'no scope',
      'UsersService.CreatePersonalAccessToken',
      () => ({ userId: w.admin.userId, scopes: [] }),
      'scopes',
    ],
    [
      'a token for ever and a day',
      'UsersService.CreatePersonalAccessToken',
      () => ({ userId: w.admin.userId, expiresInSeconds: '9223372036854775807' }),
      'expires_in_seconds',
    ],
    ['a project named ".."', 'ReleaseService.CreateProject', () => ({ project: '..' }), 'project'],
    [
      'a readme too long',
      'ReleaseService.UpdateProject',
      () => ({ ...project(), readme: 'x'.repeat(100_001) }),
      'readme',
    ],
  ];

  test.each(CASES)('%s: %s', async (about, name, changes, field) => {
    const answer = await send(name, changes());
    expect([about, answer.code, answer.message]).toEqual([about, 'invalid_argument', answer.message]);
    requireWords(answer, about);
    const named = fieldsOf(answer);
    const said = named.some((n) => n === field || n.startsWith(field)) || answer.message.includes(field);
    expect([about, named, answer.message, said]).toEqual([about, named, answer.message, true]);
    expect(answer.details.map(({ type }) => type)).toContain('buf.validate.Violations');
  });
});

describe('lists', () => {
  const token = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const lists = everyMethod.filter((m) => m.input.fields.some((f) => f.name === 'page_token'));

  test('there are thirteen, and a page of each can be had', async () => {
    expect(lists.map(nameOf)).toHaveLength(13);
    for (const method of lists) {
      const answer = await send(nameOf(method), { pageSize: 1 });
      expect([nameOf(method), answer.code]).toEqual([nameOf(method), 'ok']);
      const next = (JSON.parse(answer.text) as { nextPageToken?: string }).nextPageToken;
      if (next === undefined) continue;
      const second = await send(nameOf(method), { pageSize: 500, pageToken: next });
      expect([nameOf(method), second.code]).toEqual([nameOf(method), 'ok']);
    }
  });

  test.each(lists.map(nameOf))('%s refuses sizes and tokens that are none', async (name) => {
    for (const pageSize of [-1, 501, 2_147_483_647, -2_147_483_648]) {
      const answer = await send(name, { pageSize });
      expect([name, pageSize, answer.code]).toEqual([name, pageSize, 'invalid_argument']);
      expect(fieldsOf(answer)).toEqual(['page_size']);
    }
    for (const pageToken of [
      'x',
      '***',
      token(null),
      token({}),
      token([]),
      token([1, 2, 3]),
      token([null]),
      token(['x', 'y', 'z', 'w']),
      token([['x']]),
      token(['a\0b']),
      token(['\0', '\0']),
      token(['\0', '\0', '\0']),
      token(['9'.repeat(30), aim.intentId]),
      token(['275760-09-13T00:00:00.000Z', aim.intentId]),
      token(['9'.repeat(30), 'a', 'b']),
      'x'.repeat(501),
    ]) {
      const answer = await send(name, { pageToken });
      expect([name, pageToken.slice(0, 80), answer.code]).toEqual([
        name,
        pageToken.slice(0, 80),
        'invalid_argument',
      ]);
      expect(fieldsOf(answer)).toEqual(['page_token']);
      requireWords(answer, name);
    }
  });
});
