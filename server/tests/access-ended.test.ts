import { afterAll, describe, expect, test } from 'vitest';
import { PolicyType } from '#server/gen/forest/v1/policies_pb.ts';
import { startTestApp } from './harness.ts';
import { whileLocked } from './in-turn.ts';
import { expectRefusal } from './refusal.ts';
import { world } from './world.ts';

/* A request is authorised first and carried out in a transaction later: access that ends in between must count. */

const app = await startTestApp({ config: { databasePoolSize: 12 } });
afterAll(() => app.stop());

const DEMOTE = `update memberships set role = 'member' where user_id = $1`;
const REVOKE = 'update credentials set revoked_at = now() where user_id = $1';

describe('an admin whose access ends before the transaction', () => {
  test.each([
    ['role', DEMOTE, 'PermissionDenied'],
    ['token', REVOKE, 'Unauthenticated'],
  ])('changes no policy without the %s', async (_, end, code) => {
    const w = await world(app);
    await whileLocked(app, [end, [w.admin.userId]], () =>
      expectRefusal(
        code,
        w.admin.policies.createPolicy({
          project: w.project,
          name: 'too late',
          policyType: PolicyType.EXTERNAL_APPROVAL,
          config: { case: 'approval', value: { targetEnvironment: 'production', requiredApprovals: 1 } },
        }),
      ),
    );
    expect((await w.reviewer.policies.listPolicies({ project: w.project })).policies).toEqual([]);
  });

  test('cannot make themselves an admin again', async () => {
    const w = await world(app);
    const { organisationId, admin } = w;
    await whileLocked(app, [DEMOTE, [admin.userId]], () =>
      expectRefusal(
        'PermissionDenied',
        admin.organisations.updateMemberRole({ organisationId, userId: admin.userId, role: 'admin' }),
      ),
    );
    const { members } = await w.reviewer.organisations.listMembers({ organisationId });
    expect(members.filter(({ role }) => role === 'admin')).toEqual([]);
  });

  test('can still leave when they became a member', async () => {
    const w = await world(app);
    const { organisationId, admin } = w;
    const demote = `with locked as (select 1 from organisations where id = $1 for no key update)
      update memberships set role = 'member' from locked where organisation_id = $1 and user_id = $2`;
    await whileLocked(app, [demote, [organisationId, admin.userId]], () =>
      admin.organisations.leaveOrganisation({ organisationId }),
    );
    const { members } = await w.reviewer.organisations.listMembers({ organisationId });
    expect(members.map(({ userId }) => userId)).not.toContain(admin.userId);
  });
});

test.each([
  ['the membership', 'delete from memberships where user_id = $1', 'NotFound'],
  ['the credential', REVOKE, 'Unauthenticated'],
])('releases nothing once %s has ended', async (_, end, code) => {
  const w = await world(app);
  const { artifactId } = await w.artifact();
  const project = 'select 1 from projects where organisation_id = $1 for no key update';
  const holder = await app.context.db.pool.connect();
  try {
    await holder.query('begin');
    await holder.query(end, [w.author.userId]);
    await whileLocked(
      app,
      [project, [w.organisationId]],
      () => expectRefusal(code, w.release(artifactId, ['staging'])),
      () => holder.query('commit'),
    );
  } finally {
    holder.release();
  }
  const released = 'select 1 from release_intents where artifact_id = $1';
  expect((await app.context.db.pool.query(released, [artifactId])).rows).toEqual([]);
});
