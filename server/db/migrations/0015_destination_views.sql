-- The destinations of an organisation with their environments, without deleted ones.
create view destination_details as
  select d.organisation_id as "organisationId", d.id as "destinationId", d.name as "destinationName",
         e.name as environment, e.sort_order as "sortOrder",
         d.type_organisation || '/' || d.type_name || '@' || d.type_version as "destinationType"
    from destinations d
    join environments e on e.id = d.environment_id
   where d.deleted_at is null;

-- A delivery with its artifact's slug and, while it is queued, its position in the destination's queue, from 1.
create view delivery_states as
  select r.id as "releaseId", r.artifact_id as "artifactId", a.slug, r.release_intent_id as "intentId",
         r.stage_id as "stageId", r.status, r.error_message as "errorMessage", r.queued_at as "queuedAt",
         r.assigned_at as "assignedAt", r.started_at as "startedAt", r.completed_at as "completedAt",
         case when r.status = 'QUEUED' then (
           select count(*)::int from releases q
            where q.destination_id = r.destination_id and q.status = 'QUEUED'
              and (q.queued_at, q.id) <= (r.queued_at, r.id)
         ) end as "queuePosition"
    from releases r
    join artifacts a on a.id = r.artifact_id;
