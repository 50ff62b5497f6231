import type { Role } from '#domain/approval/vote.ts';
import { statement } from '#server/db/database.ts';
import type { PolicyJson, VoteJson } from '#server/features/gate/rows.ts';

/** Stores a user's current vote in place of their earlier one: one voice each. */
export const castVote = statement<
  readonly [
    id: string,
    releaseIntentId: string,
    policyId: string | null,
    environment: string,
    userId: string,
    username: string,
    decision: 'approved' | 'rejected',
    bypass: boolean,
    comment: string | null,
    now: Date,
  ]
>(
  'approvals.cast',
  `insert into approval_decisions (id, release_intent_id, policy_id, target_environment, user_id, username, decision,
                                   bypass, comment, created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
   on conflict (release_intent_id, target_environment, user_id) do update
      set policy_id = excluded.policy_id, username = excluded.username, decision = excluded.decision,
          bypass = excluded.bypass, comment = excluded.comment, created_at = excluded.created_at`,
);

/** The caller's role at the moment of the vote: one that was taken away since the request came in no longer votes. */
export const roleNow = statement<readonly [organisationId: string, userId: string], { role: Role }>(
  'approvals.role',
  'select role from memberships where organisation_id = $1 and user_id = $2',
);

export interface PendingRow {
  readonly releaseIntentId: string;
  readonly organisation: string;
  readonly project: string;
  readonly artifactId: string;
  readonly slug: string;
  readonly title: string;
  readonly environment: string;
  readonly authorId: string;
  readonly authorUsername: string;
  readonly status: 'AWAITING_APPROVAL';
  readonly waitingSince: Date;
  readonly policies: readonly PolicyJson[];
  readonly votes: readonly Omit<VoteJson, 'environment'>[];
}

/**
 * Stages that wait for an approval, of organisations that the user belongs to, that somebody else asked for and the user
 * has not voted on; oldest first, after the given key.
 */
export const pendingApprovals = statement<
  readonly [
    userId: string,
    afterSince: Date | null,
    afterIntent: string | null,
    afterStage: string | null,
    limit: number,
  ],
  PendingRow & { readonly stageId: string }
>(
  'approvals.pending',
  `select i.id as "releaseIntentId", o.name as organisation, p.name as project, a.id as "artifactId", a.slug, a.title,
          s.id as "stageId", s.environment, i.actor_id as "authorId", u.username as "authorUsername", s.status,
          coalesce(s.queued_at, i.created_at) as "waitingSince",
          (select coalesce(json_agg(json_build_object('id', pol.id, 'name', pol.name, 'type', pol.type,
                    'targetEnvironment', pol.target_environment, 'config', pol.config)), '[]')
             from policies pol
            where pol.project_id = i.project_id and pol.enabled and pol.target_environment = s.environment) as policies,
          (select coalesce(json_agg(json_build_object('userId', d.user_id, 'username', d.username,
                    'decision', d.decision, 'bypass', d.bypass, 'comment', d.comment, 'decidedAt', d.created_at,
                    'role', vm.role)), '[]')
             from approval_decisions d
             left join memberships vm on vm.organisation_id = o.id and vm.user_id = d.user_id
            where d.release_intent_id = i.id and d.target_environment = s.environment) as votes
     from memberships m
     join organisations o on o.id = m.organisation_id
     join projects p on p.organisation_id = o.id
     join release_intents i on i.project_id = p.id and i.status = 'ACTIVE' and i.actor_id <> $1
     join stages s on s.release_intent_id = i.id and s.type = 'deploy' and s.status = 'AWAITING_APPROVAL'
     join artifacts a on a.id = i.artifact_id
     join users u on u.id = i.actor_id
    where m.user_id = $1
      and not exists (select 1 from approval_decisions d
                       where d.release_intent_id = i.id and d.target_environment = s.environment and d.user_id = $1)
      and ($2::timestamptz is null
        or (date_trunc('milliseconds', coalesce(s.queued_at, i.created_at)), i.id, s.id)
           > ($2::timestamptz, $3::uuid, $4::text))
    order by date_trunc('milliseconds', coalesce(s.queued_at, i.created_at)), i.id, s.id
    limit $5`,
);
