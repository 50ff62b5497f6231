import { Code, ConnectError } from '@connectrpc/connect';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { eventually, startTestApp, type TestApp } from './harness.ts';
import { type World, world } from './world.ts';

/*
 * An admin's request is let in by one look at their role, and carried out in a transaction a moment later: after a pause of the
 * server, much later. What happens to the role in between decides.
 */

let app: TestApp;
beforeAll(async () => {
  app = await startTestApp({ config: { databasePoolSize: 12 } });
});
afterAll(() => app.stop());

/** Whether a statement with that in it waits for somebody's lock. */
const waitingFor = async (part: string): Promise<boolean> => {
  const { rows } = await app.context.db.pool.query(
    `select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'
        and strpos(query, $1) > 0`,
    [part],
  );
  return rows.length > 0;
};

/** Ends what the admin's request was let in by, at the moment at which that has happened and nothing has been carried out. */
async function endedMeanwhile<T>(
  w: World,
  end: string,
  request: () => Promise<T>,
): Promise<PromiseSettledResult<T>> {
  const other = await app.context.db.pool.connect();
  try {
    await other.query('begin');
    await other.query(end, [w.admin.userId]);
    const asked = Promise.allSettled([request()]);
    await eventually(() => waitingFor('require_admin'), 'the request to meet the change');
    await other.query('commit');
    const [outcome] = await asked;
    return outcome;
  } finally {
    other.release();
  }
}
const DEMOTED = `update memberships set role = 'member' where user_id = $1`;
const REVOKED = 'update credentials set revoked_at = now() where user_id = $1';

const refusal = (outcome: PromiseSettledResult<unknown>) =>
  outcome.status === 'rejected' ? ConnectError.from(outcome.reason).code : null;

describe('an admin who is none any more when the change is made', () => {
  test.each([
    ['role', DEMOTED, Code.PermissionDenied],
    ['token', REVOKED, Code.Unauthenticated],
  ])('changes no policy, without the %s', async (_, end, code) => {
    const w = await world(app);
    const outcome = await endedMeanwhile(w, end, () =>
      w.admin.policies.createPolicy({
        project: w.project,
        name: 'too late',
        policyType: PolicyType.EXTERNAL_APPROVAL,
        config: { case: 'approval', value: { targetEnvironment: 'production', requiredApprovals: 1 } },
      }),
    );
    expect(refusal(outcome)).toBe(code);
    const { policies } = await w.reviewer.policies.listPolicies({ project: w.project });
    expect(policies).toEqual([]);
  });

  test('makes nobody admin, themselves included', async () => {
    const w = await world(app);
    const { organisationId } = w;
    const outcome = await endedMeanwhile(w, DEMOTED, () =>
      w.admin.organisations.updateMemberRole({ organisationId, userId: w.admin.userId, role: 'admin' }),
    );
    expect(refusal(outcome)).toBe(Code.PermissionDenied);
    const { members } = await w.reviewer.organisations.listMembers({ organisationId });
    expect(members.filter((one) => one.role === 'admin')).toEqual([]);
  });
});

test.each([
  ['the membership', 'delete from memberships where user_id = $1', Code.NotFound],
  ['the credential', REVOKED, Code.Unauthenticated],
])('nothing is released once %s has ended, though the request was let in before', async (_, end, code) => {
  const w = await world(app);
  const { artifactId } = await w.artifact();
  const removal = await app.context.db.pool.connect();
  try {
    await removal.query('begin');
    await removal.query(end, [w.author.userId]);
    await removal.query('select 1 from projects where organisation_id = $1 for no key update', [
      w.organisationId,
    ]);
    const asked = Promise.allSettled([w.release(artifactId, ['staging'])]);
    await eventually(() => waitingFor('for share of p, a'), 'the request to meet the removal');
    await removal.query('commit');
    expect((await asked).map(refusal)).toEqual([code]);
  } finally {
    removal.release();
  }
  const { rows } = await app.context.db.pool.query('select 1 from release_intents where artifact_id = $1', [
    artifactId,
  ]);
  expect(rows).toEqual([]);
});

test('an admin who is made a member meanwhile can leave all the same', async () => {
  const w = await world(app);
  const { organisationId } = w;
  const other = await app.context.db.pool.connect();
  try {
    await other.query('begin');
    await other.query('select 1 from organisations where id = $1 for no key update', [organisationId]);
    await other.query('update memberships set role = $3 where organisation_id = $1 and user_id = $2', [
      organisationId,
      w.admin.userId,
      'member',
    ]);
    const asked = Promise.allSettled([w.admin.organisations.leaveOrganisation({ organisationId })]);
    await eventually(() => waitingFor('from organisations'), 'the request to meet the change of the role');
    await other.query('commit');
    expect((await asked).map(({ status }) => status)).toEqual(['fulfilled']);
  } finally {
    other.release();
  }
});

test('an admin can give up their own role, and leave', async () => {
  const w = await world(app);
  const { organisationId } = w;
  await w.admin.organisations.updateMemberRole({ organisationId, userId: w.reviewer.userId, role: 'admin' });
  await w.admin.organisations.updateMemberRole({ organisationId, userId: w.admin.userId, role: 'member' });
  await w.reviewer.organisations.removeMember({ organisationId, userId: w.reviewerTwo.userId });
  await w.reviewer.organisations.updateMemberRole({
    organisationId,
    userId: w.admin.userId,
    role: 'admin',
  });
  await w.reviewer.organisations.removeMember({ organisationId, userId: w.reviewer.userId });
  const { members } = await w.admin.organisations.listMembers({ organisationId });
  expect(members.map((one) => one.userId)).not.toContain(w.reviewer.userId);
});
