import { statement } from '#server/db/database.ts';
import {
  type AuthorsRow,
  destinationChanges,
  type FactsRow,
  type PlaceJson,
  type ReleaseJson,
  type SurroundingsRow,
} from '#server/features/gate/rows.ts';
import {
  DESTINATION_STATE,
  type DestinationStateRow,
  type IntentStateRow,
  pipelineName,
  QUEUED,
  rolledBack,
  STAGE_VOTES,
} from '#server/features/releases/rows.ts';

/** Stores a user's current vote, in place of their earlier one. */
export const storeVote = statement<
  [
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
  'approvals.store_vote',
  `insert into approval_decisions (id, release_intent_id, policy_id, target_environment, user_id, username, decision,
                                   bypass, comment, created_at)
   values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
   on conflict (release_intent_id, target_environment, user_id) do update
      set policy_id = excluded.policy_id, username = excluded.username, decision = excluded.decision,
          bypass = excluded.bypass, comment = excluded.comment, created_at = excluded.created_at`,
);

/** Takes back a user's current vote. */
export const deleteVote = statement<[releaseIntentId: string, environment: string, userId: string]>(
  'approvals.delete_vote',
  'delete from approval_decisions where release_intent_id = $1 and target_environment = $2 and user_id = $3',
);

export interface PendingRow extends AuthorsRow, Pick<FactsRow, 'policies' | 'votes' | 'holds' | 'changes'> {
  readonly releaseIntentId: string;
  readonly organisation: string;
  readonly project: string;
  readonly artifactId: string;
  readonly slug: string;
  readonly title: string;
  readonly version: string | null;
  readonly branch: string | null;
  readonly commitSha: string;
  readonly buildOrder: number;
  readonly environmentSortOrder: number;
  readonly type: 'deploy' | 'plan';
  readonly environment: string;
  readonly onlyDestinations: readonly string[] | null;
  /** Of the stage. */
  readonly deliveries: readonly Pick<ReleaseJson, 'destinationId' | 'status'>[];
  /** Of the environment. */
  readonly places: readonly PlaceJson[];
  readonly status: 'AWAITING_APPROVAL';
  readonly waitingSince: Date;
  readonly stageId: string;
  readonly knowsSource: boolean;
  /** Of the whole list; at most `MAX_TOTAL`. */
  readonly total: number;
  /** The same in each organisation that has any, by name. */
  readonly organisations: readonly OrganisationWaiting[];
}

export interface OrganisationWaiting {
  readonly organisation: string;
  readonly waiting: number;
}

const MAX_TOTAL = 100;

/**
 * Of the stages that wait in the organisation of the membership `m`, those that its user can move: of releases of which they are not an
 * author, and with a vote of theirs only if it no longer counts. Oldest first, by an index for each type.
 */
const waitingStages = (further: string, limit: string) => {
  const ofType = (type: string) => `
    select s.queued_at, s.release_intent_id, s.id, s.environment, s.status, s.type, s.only_destinations
      from stages s
     where s.organisation_id = m.organisation_id and s.status = 'AWAITING_APPROVAL' and ${type}
       and coalesce((select false from release_authors a
                      where a.release_intent_id = s.release_intent_id and a.user_id = $1), true)
       and (select i.status = 'ACTIVE' from release_intents i where i.id = s.release_intent_id)
       ${further}
     order by s.queued_at, s.release_intent_id, s.id
     limit ${limit}`;
  const canVote = `coalesce((
        select d.decision = 'approved' and (d.bypass and m.role <> 'admin' or moment_of(d.moment, d.created_at)
                 < greatest(case when d.bypass then m.admin_moment else m.moment end,
                            approvals_renewed(s.release_intent_id, s.environment)))
          from approval_decisions d
         where d.release_intent_id = s.release_intent_id and d.target_environment = s.environment and d.user_id = $1), true)`;
  return `(${ofType(`s.type = 'deploy' and ${canVote}`)})
    union all
    (${ofType("s.type = 'plan' and s.plan_approval = 'AWAITING'")})`;
};

/**
 * A page of what waits for the user in all of their organisations, after the given key. Each organisation's stages are read in that
 * order, at most a page of them. The conditions are subqueries because the planner underestimates the rows that are left by joins, and
 * would read and sort all waiting stages. `queued_at` is in whole milliseconds, as in page tokens.
 */
export const listPending = statement<
  [userId: string, afterSince: Date, afterIntent: string, afterStage: string, limit: number],
  PendingRow
>(
  'approvals.list_pending',
  `with waiting as materialized (
     select s.*, m.organisation_id
       from memberships m
       cross join lateral (${waitingStages(
         'and (s.queued_at, s.release_intent_id, s.id) > ($2::timestamptz, $3::uuid, $4::text)',
         '$5',
       )}) s
      where m.user_id = $1
      order by s.queued_at, s.release_intent_id, s.id
      limit $5
   ), counted as materialized (
     select o.name as organisation, least(count(*), ${MAX_TOTAL})::int as waiting
       from memberships m
       join organisations o on o.id = m.organisation_id
       cross join lateral (${waitingStages('', String(MAX_TOTAL))}) s
      where m.user_id = $1
      group by o.name
   )
   select w.release_intent_id as "releaseIntentId", o.name as organisation, i.project, i."artifactId", i.slug, i.title,
          i.version, i.branch, i."commitSha", i."buildOrder", w.id as "stageId", w.type, w.environment,
          coalesce((select e.sort_order from environments e
                     where e.organisation_id = w.organisation_id and e.name = w.environment), 0) as "environmentSortOrder",
          w.only_destinations as "onlyDestinations", i."actorId", i."actorUsername", i.authors, w.status,
          w.queued_at as "waitingSince", i.policies, i.votes, i.holds,
          (select least(sum(c.waiting), ${MAX_TOTAL})::int from counted c) as total,
          (select json_agg(row_to_json(c) order by c.organisation) from counted c) as organisations,
          ${destinationChanges('w.release_intent_id')},
          (select coalesce(json_agg(json_build_object('destinationId', r.destination_id, 'status', r.status)), '[]')
             from releases r where r.release_intent_id = w.release_intent_id and r.stage_id = w.id) as deliveries,
          (select knows_source(a) from artifacts a where a.id = i."artifactId") as "knowsSource",
          (select e.places from build_environments e
            where e.artifact_id = i."artifactId" and e.environment = w.environment) as places
     from waiting w
     join organisations o on o.id = w.organisation_id
     join release_intent_facts i on i.id = w.release_intent_id
    order by w.queued_at, w.release_intent_id, w.id`,
);

/** The most destinations that a release's page shows. */
const MAX_DESTINATIONS = 500;

export interface RequirementsRow
  extends IntentStateRow,
    Omit<FactsRow, keyof IntentStateRow>,
    SurroundingsRow {
  readonly destinationStates: readonly DestinationStateRow[];
  readonly knowsSource: boolean;
  /** Raised by the database with each change of what is answered here. */
  readonly numbers: string;
}

/** Everything that a release's page shows, in one statement, and so in one snapshot. */
export const findRequirements = statement<[releaseIntentId: string, projectId: string], RequirementsRow>(
  'approvals.find_requirements',
  `select i.id, i."organisationId", i."projectId", i.project, i."artifactId", i.slug, i.title, i.branch, i."commitSha",
          i.version, i."actorId", i."actorUsername", i.authors, i.force, i."prepareOnly", i.status, i."errorMessage",
          i."wantedGeneration", i."seenGeneration", i."nextCheckAt", i."createdAt", i."completedAt", i.stages, i.steps,
          i.policies, i.votes, i.places, i.holds, ${destinationChanges('i.id')}, i.moment, i."buildOrder", i."actorKind", g.members, g.environments,
          g.branches, n.numbers, (select knows_source(a) from artifacts a where a.id = i."artifactId") as "knowsSource",
          ${rolledBack('i.id')}, ${pipelineName('i.id')},
          ${STAGE_VOTES}, ${QUEUED},
          (select coalesce(json_agg(row_to_json(one)), '[]')
             from (select ${DESTINATION_STATE}, i.project
                     from destination_details d
                     join place_states s on s.project_id = i."projectId" and s.destination_id = d."destinationId"
                     join build_attempts b on b.artifact_id = i."artifactId" and b.destination_id = d."destinationId"
                     left join delivery_states r on r."releaseId" = b.last_release_id
                    where d."organisationId" = i."organisationId"
                    order by d."sortOrder", d.environment, d."destinationName"
                    limit ${MAX_DESTINATIONS}) one) as "destinationStates"
     from release_intent_facts i
     join project_gates g on g.project_id = i."projectId"
     join release_change_numbers n on n.release_intent_id = i.id
    where i.id = $1 and i."projectId" = $2`,
);
