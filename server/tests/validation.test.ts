import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { aimAt } from './aim.ts';
import { everyMethod, nameOf, post, requestsFor } from './every-method.ts';
import { startTestApp } from './harness.ts';
import { fieldsOf, pathByName, requireRefusal, rowsOf } from './raw-refusals.ts';

const app = await startTestApp();
afterAll(() => app.stop());
const { w, aim } = await aimAt(app);
const requests = requestsFor(aim, 'bad');

const as = () => ({ authorization: `Bearer ${w.admin.token}` });

/** Changed fields of a request; undefined omits a field. */
type Changes = Readonly<Record<string, JsonValue | undefined>>;

/** Sends a method's valid request with changes, as JSON. */
const send = (name: string, changes: Changes = {}, headers: Record<string, string> = {}) =>
  post(app, pathByName(name), JSON.stringify({ ...requests[name], ...changes }), { ...as(), ...headers });

describe('an invalid field is named, and nothing is written', () => {
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

  const LONGEST = '9223372036854775807';
  const DEPLOYED = 'stages[0].deploy.environment';
  const WAITED = 'stages[0].wait.durationSeconds';
  const SOAKED = 'soakTime.durationSeconds';
  const CREATE = 'PolicyService.CreatePolicy';
  const UPDATE = 'PolicyService.UpdatePolicy';
  const APPROVE = 'PolicyService.ApproveRelease';
  const PIPELINE = 'ReleasePipelineService.CreateReleasePipeline';
  const UPDATE_PIPELINE = 'ReleasePipelineService.UpdateReleasePipeline';
  const ANNOTATE = 'ReleaseService.AnnotateRelease';
  const RELEASE = 'ReleaseService.Release';
  const DESTINATION = 'DestinationService.CreateDestination';
  const TOKEN = 'UsersService.CreatePersonalAccessToken';
  const REGISTER = 'UsersService.Register';
  const pipeline =
    (...stages: JsonObject[]) =>
    () => ({ stages });
  const qa = (id: string, ...dependsOn: string[]) => ({ id, dependsOn, deploy: { environment: 'qa' } });
  const CASES: readonly (readonly [about: string, name: string, changes: () => Changes, field: string])[] = [
    ['no project', CREATE, () => ({ project: null }), 'project'],
    ['an empty name', CREATE, () => ({ name: '' }), 'name'],
    ['a name of spaces', CREATE, () => ({ name: '   ' }), 'name'],
    ['a long name', CREATE, () => ({ name: 'x'.repeat(101) }), 'name'],
    ['a NUL in a name', CREATE, () => ({ name: 'a\0b' }), 'name'],
    ['a control character', CREATE, () => ({ name: 'a\x1bb' }), 'name'],
    ['half a surrogate pair', CREATE, () => ({ name: 'a\ud83d' }), 'name'],
    ['no type', CREATE, () => ({ policyType: 0 }), 'policyType'],
    ['an unknown type', CREATE, () => ({ policyType: 99 }), 'policyType'],
    ['no config', CREATE, () => ({ approval: undefined }), 'config'],
    ['another type’s config', CREATE, () => ({ policyType: 1 }), 'soakTime'],
    ['0 approvals', CREATE, () => approval('qa', 0), 'approval.requiredApprovals'],
    ['-1 approvals', CREATE, () => approval('qa', -1), 'approval.requiredApprovals'],
    ['101 approvals', CREATE, () => approval('qa', 101), 'approval.requiredApprovals'],
    ['an unknown environment', CREATE, () => approval('moon', 1), 'approval.targetEnvironment'],
    ['an environment in another case', CREATE, () => approval('Production', 1), 'approval.targetEnvironment'],
    ['no duration', CREATE, () => soak({ durationSeconds: '0' }), SOAKED],
    ['a negative duration', CREATE, () => soak({ durationSeconds: '-1' }), SOAKED],
    ['the longest int64', CREATE, () => soak({ durationSeconds: LONGEST }), SOAKED],
    ['an unknown source', CREATE, () => soak({ sourceEnvironment: 'moon' }), 'soakTime.sourceEnvironment'],
    ['source is target', CREATE, () => soak({ sourceEnvironment: 'production' }), 'soakTime'],
    ['an invalid pattern', CREATE, () => branch('('), 'branchRestriction.branchPattern'],
    ['a look-behind', CREATE, () => branch('(?<=a)b'), 'branchRestriction.branchPattern'],
    ['a back reference', CREATE, () => branch('(a)\\1'), 'branchRestriction.branchPattern'],
    ['a huge repeat', CREATE, () => branch('((a{100}){100}){100}'), 'branchRestriction.branchPattern'],
    ['an empty pattern', CREATE, () => branch(''), 'branchRestriction.branchPattern'],
    ['a long pattern', CREATE, () => branch('a'.repeat(501)), 'branchRestriction.branchPattern'],
    [
      'an update to another type',
      UPDATE,
      () => ({ ...branch('^main$'), policyType: undefined }),
      'branchRestriction',
    ],
    ['an invalid id', APPROVE, () => ({ releaseIntentId: 'x' }), 'releaseIntentId'],
    ['an empty id', APPROVE, () => ({ releaseIntentId: '' }), 'releaseIntentId'],
    ['an id with a suffix', APPROVE, () => ({ releaseIntentId: `${aim.intentId}\n` }), 'releaseIntentId'],
    ['a long comment', APPROVE, () => ({ comment: 'x'.repeat(2_001) }), 'comment'],
    ['a NUL in a comment', APPROVE, () => ({ comment: 'a\0' }), 'comment'],
    ['half a pair in a comment', 'PolicyService.RejectRelease', () => ({ comment: '\udc00' }), 'comment'],
    ['a bypass without a reason', APPROVE, () => ({ forceBypass: true, comment: ' ' }), 'comment'],
    [
      'an environment with a newline',
      APPROVE,
      () => ({ targetEnvironment: 'production\n' }),
      'targetEnvironment',
    ],
    ['no stages', PIPELINE, pipeline(), 'stages'],
    ['101 stages', PIPELINE, pipeline(...Array.from({ length: 101 }, (_, i) => qa(`s${i}`))), 'stages'],
    ['a stage without a kind', PIPELINE, pipeline({ id: 'a' }), 'stages[0].config'],
    ['a stage that depends on itself', PIPELINE, pipeline(qa('a', 'a')), 'stages[0].dependsOn'],
    ['a cycle', PIPELINE, pipeline(qa('a', 'b'), qa('b', 'a')), 'stages'],
    ['an unknown stage', PIPELINE, pipeline(qa('a', 'b')), 'stages[0].dependsOn'],
    ['a duplicate id', PIPELINE, pipeline(qa('a'), qa('a')), 'stages[0].id'],
    ['an unknown environment of a stage', PIPELINE, pipeline({ id: 'a', ...deploy('moon') }), DEPLOYED],
    ['too long a wait', PIPELINE, pipeline({ id: 'a', wait: { durationSeconds: LONGEST } }), WAITED],
    ['half a surrogate pair in a list', PIPELINE, pipeline(qa('a', '\ud800')), 'dependsOn'],
    ['an update without stages', UPDATE_PIPELINE, () => ({ updateStages: true }), 'stages'],
    ['a title too long', ANNOTATE, () => ({ context: { title: 'x'.repeat(501) } }), 'context.title'],
    ['no title', ANNOTATE, () => ({ context: {} }), 'context.title'],
    ['no ref', ANNOTATE, () => ({ ref: null }), 'ref'],
    ['a commit with a space', ANNOTATE, () => ({ ref: { commitSha: 'a b' } }), 'ref.commitSha'],
    [
      'a script in a link',
      ANNOTATE,
      () => ({ context: { title: 'x', web: 'javascript:alert(1)' } }),
      'context.web',
    ],
    ['a source with an invalid id', ANNOTATE, () => ({ source: { userId: 'somebody' } }), 'source.userId'],
    [
      'a source who is not a member',
      ANNOTATE,
      () => ({ source: { userId: aim.artifactId } }),
      'source.userId',
    ],
    ['half a surrogate pair in metadata', ANNOTATE, () => ({ metadata: { a: '\ud800' } }), 'metadata'],
    ['a NUL in metadata', ANNOTATE, () => ({ metadata: { 'a\0': 'b' } }), 'metadata'],
    ['nowhere to go', RELEASE, () => ({ environments: [] }), 'environments'],
    ['a pipeline and a place', RELEASE, () => ({ usePipeline: true }), 'usePipeline'],
    ['a pipeline without using one', RELEASE, () => ({ pipeline: 'planned' }), 'pipeline'],
    ['a duplicate environment', RELEASE, () => ({ environments: ['qa', 'qa'] }), 'environments'],
    ['no type of destination', DESTINATION, () => ({ type: null }), 'type'],
    [
      'an unknown destination type',
      DESTINATION,
      () => ({ type: { organisation: 'a', name: 'b', version: '18446744073709551615' } }),
      'type',
    ],
    ['unknown metadata', DESTINATION, () => ({ metadata: { nonsense: 'x' } }), 'metadata'],
    ['an unknown environment of a destination', DESTINATION, () => ({ environment: 'moon' }), 'environment'],
    ['an unknown role', 'OrganisationService.AddMember', () => ({ role: 'owner' }), 'role'],
    ['a short password', REGISTER, () => ({ username: 'new', password: 'short' }), 'password'],
    ['an invalid email address', REGISTER, () => ({ username: 'new', email: 'nobody' }), 'email'],
    ['an unknown scope', TOKEN, () => ({ userId: w.admin.userId, scopes: ['root'] }), 'scopes'],
    ['no scope', TOKEN, () => ({ userId: w.admin.userId, scopes: [] }), 'scopes'],
    [
      'too long a token lifetime',
      TOKEN,
      () => ({ userId: w.admin.userId, expiresInSeconds: '9223372036854775807' }),
      'expiresInSeconds',
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
    requireRefusal(answer, about);
    const named = fieldsOf(answer);
    const isNamed = named.some((n) => n === field || n.startsWith(field)) || answer.message.includes(field);
    expect([about, named, answer.message, isNamed]).toEqual([about, named, answer.message, true]);
    expect(answer.details.map(({ type }) => type)).toContain('buf.validate.Violations');
  });
});

describe('lists', () => {
  const token = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const lists = everyMethod.filter((m) => m.input.fields.some((f) => f.name === 'page_token'));

  test('all fifteen have pages', async () => {
    expect(lists.map(nameOf)).toHaveLength(15);
    for (const method of lists) {
      const answer = await send(nameOf(method), { pageSize: 1 });
      expect([nameOf(method), answer.code]).toEqual([nameOf(method), 'ok']);
      const next = (JSON.parse(answer.text) as { nextPageToken?: string }).nextPageToken;
      if (next === undefined) continue;
      const second = await send(nameOf(method), { pageSize: 500, pageToken: next });
      expect([nameOf(method), second.code]).toEqual([nameOf(method), 'ok']);
    }
  });

  test.each(lists.map(nameOf))('%s refuses invalid page sizes and tokens', async (name) => {
    for (const pageSize of [-1, 501, 2_147_483_647, -2_147_483_648]) {
      const answer = await send(name, { pageSize });
      expect([name, pageSize, answer.code]).toEqual([name, pageSize, 'invalid_argument']);
      expect(fieldsOf(answer)).toEqual(['pageSize']);
    }
    const malformed = [null, {}, [], [1, 2, 3], [null], ['x', 'y', 'z', 'w'], [['x']]].map(token);
    const texts = [['a\0b'], ['\0', '\0'], ['\0', '\0', '\0'], ['9'.repeat(30), 'a', 'b']].map(token);
    const times = ['9'.repeat(30), '275760-09-13T00:00:00.000Z'].map((time) => token([time, aim.intentId]));
    for (const pageToken of ['x', '***', 'x'.repeat(501), ...malformed, ...texts, ...times]) {
      const answer = await send(name, { pageToken });
      expect(answer.code, `${name} ${pageToken.slice(0, 80)}`).toBe('invalid_argument');
      expect(fieldsOf(answer)).toEqual(['pageToken']);
      requireRefusal(answer, name);
    }
  });
});
