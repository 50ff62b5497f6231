/* Parts of queries that stores of several features put together. */

/** The releases of the intent `i` of a query, as `StepJson`, in the order in which they were queued. */
export const STEPS_OF_INTENT = `
  (select coalesce(json_agg(json_build_object('id', r.id, 'stageId', r.stage_id,
                   'destinationId', r.destination_id, 'destinationName', r.destination_name,
                   'environment', r.environment, 'status', r.status, 'mode', r.mode, 'attempt', r.attempt,
                   'destinationType', d.type_organisation || '/' || d.type_name || '@' || d.type_version,
                   'errorMessage', r.error_message, 'queuedAt', r.queued_at, 'assignedAt', r.assigned_at,
                   'startedAt', r.started_at, 'completedAt', r.completed_at)
                   order by r.queued_at, r.destination_name), '[]')
            from releases r join destinations d on d.id = r.destination_id
           where r.release_intent_id = i.id)`;

export type DestinationStatesOf = 'organisation' | 'project' | 'artifact';

/** What a release must be to be looked for: of a project or artifact `of`, or any. Each follows an index of its own. */
const LATEST: Readonly<Record<DestinationStatesOf, (of: string) => string>> = {
  organisation: (of) => `${of}::uuid is null`,
  project: (of) => `l.project_id = ${of}`,
  artifact: (of) => `l.artifact_id = ${of}`,
};

/**
 * Destinations `d` of environments `e`, each with its latest release `r` (of the project or artifact `of`), the release's
 * artifact `a`, and the columns that are told of them.
 */
export const DESTINATION_STATE = `
  d.id as "destinationId", d.name as "destinationName", e.name as environment, e.sort_order as "sortOrder",
  d.type_organisation || '/' || d.type_name || '@' || d.type_version as "destinationType",
  r.id as "releaseId", r.artifact_id as "artifactId", a.slug, r.release_intent_id as "intentId",
  r.stage_id as "stageId", r.status, r.error_message as "errorMessage", r.queued_at as "queuedAt",
  r.assigned_at as "assignedAt", r.started_at as "startedAt", r.completed_at as "completedAt",
  case when r.status = 'QUEUED' then (
    select count(*)::int from releases q
     where q.destination_id = d.id and q.status = 'QUEUED' and (q.queued_at, q.id) <= (r.queued_at, r.id)
  ) end as "queuePosition"`;

/** See `DESTINATION_STATE`. */
export const destinationsWithLatest = (which: DestinationStatesOf, of: string) => `
  destinations d
  join environments e on e.id = d.environment_id
  left join lateral (
    select * from releases l
     where l.destination_id = d.id and l.mode = 'deploy' and ${LATEST[which](of)}
     order by l.queued_at desc, l.id desc limit 1) r on true
  left join artifacts a on a.id = r.artifact_id`;
