import { statement } from '#server/db/database.ts';
import type { PlaceJson } from '#server/features/gate/rows.ts';
import { type DeliveryJson, VOTES } from '#server/features/releases/rows.ts';

interface BuildName {
  readonly slug: string;
  readonly version: string | null;
  readonly commitSha: string;
}

/** A place, with who requested the release of its live build and the delivery that failed last. */
export interface BoardPlace extends Pick<PlaceJson, 'name' | 'live' | 'doubt' | 'failures'> {
  readonly requestedBy: string | null;
  readonly failed:
    | (BuildName & { readonly intentId: string; readonly status: DeliveryJson['status'] })
    | null;
}

export interface WaitingJson extends BuildName {
  readonly intentId: string;
  readonly title: string;
  readonly reason: string;
  readonly nextCheckAt: string | null;
  readonly rejectedBy: readonly string[];
  readonly bypassedBy: string | null;
}

export interface BoardDelivery extends DeliveryJson {
  readonly version: string | null;
  readonly commitSha: string;
  readonly destinationName: string;
}

/** The build that was live before. */
export interface PreviousJson extends BuildName {
  readonly artifactId: string;
  readonly title: string;
  readonly branch: string | null;
  readonly annotatedAt: string;
}

/** A project in one environment. */
export interface CellRow {
  readonly project: string;
  /** Null in an organisation without environments. */
  readonly environment: string | null;
  readonly places: readonly BoardPlace[];
  readonly deliveries: readonly BoardDelivery[];
  readonly waiting: readonly WaitingJson[];
  readonly plans: readonly WaitingJson[];
  readonly onHold: boolean;
  /** Only of one project: it is read from the place's past. */
  readonly previous: PreviousJson | null;
}

/**
 * The cells of a page of an organisation's projects, by name, in the order of the environments. What is open (deliveries and
 * releases) is read by the indexes for it, so that ended ones cost nothing. Of the waiting releases and plans of a cell the first 20.
 */
export const listCells = statement<
  [organisationId: string, projectId: string | null, afterProject: string | null, limit: number],
  CellRow
>(
  'board.list_cells',
  `with page as materialized (
     select p.id, p.name from projects p
      where p.organisation_id = $1 and ($2::uuid is null or p.id = $2) and ($3::text is null or p.name > $3)
      order by p.name limit $4
   ), place_lists as (
     select q.project_id, q.environment,
            json_agg(json_build_object('name', q.destination_name, 'live', q.live, 'doubt', q.doubt, 'failures', q.failures,
              'requestedBy', (select u.username from release_intents i join users u on u.id = i.actor_id
                               where i.id = (q.live->>'intentId')::uuid),
              'failed', (select json_build_object('slug', a.slug, 'version', a.version, 'commitSha', a.commit_sha,
                                                  'intentId', r.release_intent_id, 'status', q.failures->0->>'status')
                           from releases r join artifacts a on a.id = r.artifact_id
                          where r.id = (q.failures->0->>'releaseId')::uuid))
              order by q.destination_name) as places
       from (select s.project_id, s.environment, s.destination_name, s.live, s.doubt, s.failures
               from page p join place_states s on s.project_id = p.id
              -- Keeps the view's subqueries from being repeated for each use.
             offset 0) q
      group by q.project_id, q.environment
   ), open_deliveries as (
     select r.*, count(*) filter (where r.status = 'QUEUED')
                   over (partition by r.destination_id order by r.queued_at, r.id) as position
       from destinations d join releases r on r.destination_id = d.id
      where d.organisation_id = $1 and (r.status in ('QUEUED', 'ASSIGNED', 'RUNNING') or r.occupied_until is not null)
   ), deliveries as (
     select r.project_id, r.environment,
            json_agg(json_build_object('releaseId', r.id, 'intentId', r.release_intent_id, 'artifactId', r.artifact_id,
              'slug', a.slug, 'version', a.version, 'commitSha', a.commit_sha, 'destinationName', r.destination_name,
              'status', r.status, 'startedAt', r.started_at, 'project', p.name,
              'queuePosition', case when r.status = 'QUEUED' then r.position else 0 end)
              order by r.status = 'QUEUED', r.queued_at, r.id) as deliveries
       from open_deliveries r
       join page p on p.id = r.project_id
       join artifacts a on a.id = r.artifact_id
      where r.mode = 'deploy'
      group by r.project_id, r.environment
   ), waiting_stages as (
     select i.project_id, i.artifact_id, s.*,
            row_number() over (partition by i.project_id, s.environment, s.type order by s.queued_at, i.id, s.id) as n
       from page p
       join release_intents i on i.project_id = p.id and i.status = 'ACTIVE'
       join stages s on s.release_intent_id = i.id
      where s.type = 'deploy' and s.status in ('PENDING', 'AWAITING_APPROVAL') and s.reason is not null
         or s.type = 'plan' and s.status = 'AWAITING_APPROVAL' and s.plan_approval = 'AWAITING'
   ), waiting as (
     select s.project_id, s.environment, s.type,
            json_agg(json_build_object('intentId', s.release_intent_id, 'slug', a.slug, 'title', a.title, 'version', a.version,
              'commitSha', a.commit_sha, 'reason', coalesce(s.reason, ''), 'nextCheckAt', s.next_check_at,
              'rejectedBy', v.rejected, 'bypassedBy', v.bypassed) order by s.n) as waiting
       from waiting_stages s
       join artifacts a on a.id = s.artifact_id
      cross join lateral (select 'ACTIVE' as status, s.project_id as "projectId", $1::uuid as "organisationId") i
      ${VOTES}
      where s.n <= 20
      group by s.project_id, s.environment, s.type
   )
   select p.name as project, e.name as environment, coalesce(l.places, '[]') as places,
          coalesce(d.deliveries, '[]') as deliveries, coalesce(w.waiting, '[]') as waiting,
          coalesce(plans.waiting, '[]') as plans,
          exists (select from holds h
                   where h.project_id = p.id and h.environment = e.name and h.ended_at is null) as "onHold",
          case when $2::uuid is not null then (
            select json_build_object('artifactId', a.id, 'slug', a.slug, 'title', a.title, 'version', a.version, 'branch', a.branch,
                                     'commitSha', a.commit_sha, 'annotatedAt', a.created_at)
              from destinations d
              join live_periods b on b.destination_id = d.id and b.project_id = p.id and b.ended_at is not null
              join artifacts a on a.id = b.artifact_id
             where d.environment_id = e.id and d.deleted_at is null
               and b.build_order < (select min(c.build_order) from places n join artifacts c on c.id = n.live_artifact_id
                                     where n.destination_id = d.id and n.project_id = p.id)
             order by b.began_moment desc limit 1) end as previous
     from page p
     left join environments e on e.organisation_id = $1
     left join place_lists l on l.project_id = p.id and l.environment = e.name
     left join deliveries d on d.project_id = p.id and d.environment = e.name
     left join waiting w on w.project_id = p.id and w.environment = e.name and w.type = 'deploy'
     left join waiting plans on plans.project_id = p.id and plans.environment = e.name and plans.type = 'plan'
    order by p.name, e.sort_order, e.name`,
);

export interface SetupRow {
  readonly hasEnvironment: boolean;
  readonly hasDestination: boolean;
  readonly project: string | null;
  readonly hasPipeline: boolean;
  readonly hasPolicy: boolean;
  readonly hasColleague: boolean;
  readonly hasBuild: boolean;
}

/** What an organisation has set up; no row once something has been live in one of its projects. */
export const findSetup = statement<[organisationId: string], SetupRow>(
  'board.find_setup',
  `with mine as materialized (select p.id, p.name from projects p where p.organisation_id = $1)
   select exists (select from environments e where e.organisation_id = $1) as "hasEnvironment",
          exists (select from destinations d where d.organisation_id = $1 and d.deleted_at is null) as "hasDestination",
          (select p.name from mine p
            order by not exists (select from artifacts a where a.project_id = p.id), p.name limit 1) as project,
          exists (select from mine p join release_pipelines l on l.project_id = p.id) as "hasPipeline",
          exists (select from mine p join policies l on l.project_id = p.id) as "hasPolicy",
          (select count(*) from memberships m where m.organisation_id = $1) > 1 as "hasColleague",
          exists (select from mine p join artifacts a on a.project_id = p.id) as "hasBuild"
    where not exists (select from mine p join places l on l.project_id = p.id where l.live_moment > 0)`,
);
