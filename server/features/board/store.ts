import { statement } from '#server/db/database.ts';
import type { PlaceJson } from '#server/features/gate/rows.ts';
import type { DeliveryJson } from '#server/features/releases/rows.ts';

export type BoardPlace = Pick<PlaceJson, 'live' | 'doubt' | 'failures'>;

export interface WaitingJson {
  readonly intentId: string;
  readonly slug: string;
  readonly title: string;
  readonly reason: string;
}

/** A project in one environment. */
export interface CellRow {
  readonly project: string;
  /** Null in an organisation without environments. */
  readonly environment: string | null;
  readonly places: readonly BoardPlace[];
  readonly deliveries: readonly DeliveryJson[];
  readonly waiting: readonly WaitingJson[];
  readonly onHold: boolean;
}

/**
 * The cells of a page of an organisation's projects, by name, in the order of the environments. What is open (deliveries and
 * releases) is read by the indexes for it, so that ended ones cost nothing. Of the waiting releases of a cell the first 20.
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
   ), places as (
     select q.project_id, q.environment,
            json_agg(json_build_object('live', q.live, 'doubt', q.doubt, 'failures', q.failures)) as places
       from page p join place_states q on q.project_id = p.id
      group by q.project_id, q.environment
   ), open_deliveries as (
     select r.*, count(*) filter (where r.status = 'QUEUED')
                   over (partition by r.destination_id order by r.queued_at, r.id) as position
       from destinations d join releases r on r.destination_id = d.id
      where d.organisation_id = $1 and (r.status in ('QUEUED', 'ASSIGNED', 'RUNNING') or r.occupied_until is not null)
   ), deliveries as (
     select r.project_id, r.environment,
            json_agg(json_build_object('releaseId', r.id, 'intentId', r.release_intent_id, 'artifactId', r.artifact_id,
              'slug', a.slug, 'status', r.status, 'startedAt', r.started_at, 'project', p.name,
              'queuePosition', case when r.status = 'QUEUED' then r.position else 0 end)
              order by r.status = 'QUEUED', r.queued_at, r.id) as deliveries
       from open_deliveries r
       join page p on p.id = r.project_id
       join artifacts a on a.id = r.artifact_id
      where r.mode = 'deploy'
      group by r.project_id, r.environment
   ), waiting_stages as (
     select i.project_id, i.artifact_id, s.*,
            row_number() over (partition by i.project_id, s.environment order by s.queued_at, i.id, s.id) as n
       from page p
       join release_intents i on i.project_id = p.id and i.status = 'ACTIVE'
       join stages s on s.release_intent_id = i.id
      where s.type = 'deploy' and s.status in ('PENDING', 'AWAITING_APPROVAL') and s.reason is not null
   ), waiting as (
     select s.project_id, s.environment,
            json_agg(json_build_object('intentId', s.release_intent_id, 'slug', a.slug, 'title', a.title,
              'reason', s.reason) order by s.n) as waiting
       from waiting_stages s join artifacts a on a.id = s.artifact_id
      where s.n <= 20
      group by s.project_id, s.environment
   )
   select p.name as project, e.name as environment, coalesce(l.places, '[]') as places,
          coalesce(d.deliveries, '[]') as deliveries, coalesce(w.waiting, '[]') as waiting,
          exists (select from holds h
                   where h.project_id = p.id and h.environment = e.name and h.ended_at is null) as "onHold"
     from page p
     left join environments e on e.organisation_id = $1
     left join places l on l.project_id = p.id and l.environment = e.name
     left join deliveries d on d.project_id = p.id and d.environment = e.name
     left join waiting w on w.project_id = p.id and w.environment = e.name
    order by p.name, e.sort_order, e.name`,
);
