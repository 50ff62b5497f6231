import { statement } from '#server/db/database.ts';
import { AUTHORSHIP, INTENT, IS_AUTHOR } from '#server/features/gate/parts.ts';
import type { AuthorsRow, PolicyJson, VoteJson } from '#server/features/gate/rows.ts';

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

export interface PendingRow extends AuthorsRow {
  readonly releaseIntentId: string;
  readonly organisation: string;
  readonly project: string;
  readonly artifactId: string;
  readonly slug: string;
  readonly title: string;
  readonly environment: string;
  readonly status: 'AWAITING_APPROVAL';
  readonly waitingSince: Date;
  readonly policies: readonly PolicyJson[];
  readonly votes: readonly Omit<VoteJson, 'environment'>[];
}

/**
 * Stages that wait for an approval, of organisations that the user belongs to, of releases that the user is no author of and
 * has not voted on; oldest first, after the given key. Each organisation's are read in that order by the index
 * `stages_waiting`, and no further than a page goes: what is asked of each stands in subqueries, because of joins the planner
 * thinks that they leave next to nothing, and would read and sort all that waits. A stage that waits has been reached, so it has `queued_at`, of the
 * server's clock in whole milliseconds as in page tokens.
 */
export const pendingApprovals = statement<
  readonly [userId: string, afterSince: Date, afterIntent: string, afterStage: string, limit: number],
  PendingRow & { readonly stageId: string }
>(
  'approvals.pending',
  `with waiting as materialized (
     select s.*, m.organisation_id as organisation
       from memberships m
       join users me on me.id = m.user_id
       cross join lateral (
         select s.queued_at, s.release_intent_id, s.id, s.environment, s.status
           from stages s
          where s.organisation_id = m.organisation_id and s.type = 'deploy' and s.status = 'AWAITING_APPROVAL'
            and (s.queued_at, s.release_intent_id, s.id) > ($2::timestamptz, $3::uuid, $4::text)
            and coalesce((select false from approval_decisions d
                           where d.release_intent_id = s.release_intent_id and d.target_environment = s.environment
                             and d.user_id = $1), true)
            and (select i.status = 'ACTIVE' and ${IS_AUTHOR('me')} is not true
                   from ${INTENT} where i.id = s.release_intent_id)
          order by s.queued_at, s.release_intent_id, s.id
          limit $5) s
      where m.user_id = $1
      order by s.queued_at, s.release_intent_id, s.id
      limit $5
   )
   select i.id as "releaseIntentId", o.name as organisation, p.name as project, a.id as "artifactId", a.slug, a.title,
          w.id as "stageId", w.environment, ${AUTHORSHIP}, w.status,
          w.queued_at as "waitingSince",
          (select coalesce(json_agg(json_build_object('id', pol.id, 'name', pol.name, 'type', pol.type,
                    'targetEnvironment', pol.target_environment, 'config', pol.config)), '[]')
             from policies pol
            where pol.project_id = i.project_id and pol.enabled and pol.target_environment = w.environment) as policies,
          (select coalesce(json_agg(json_build_object('userId', d.user_id, 'username', d.username,
                    'decision', d.decision, 'bypass', d.bypass, 'comment', d.comment, 'decidedAt', d.created_at,
                    'role', (select m.role from memberships m
                              where m.organisation_id = w.organisation and m.user_id = d.user_id))), '[]')
             from approval_decisions d
            where d.release_intent_id = i.id and d.target_environment = w.environment) as votes
     from waiting w
     join organisations o on o.id = w.organisation
     join ${INTENT} on i.id = w.release_intent_id
    order by w.queued_at, w.release_intent_id, w.id`,
);
